import type { MeshId } from '../domain/ids.ts'
import { loadLine } from '../mesh/membership/authority-book.ts'
import { rankOf } from '../mesh/membership/registry.ts'
import type { Clock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { createAuthority, meshIdOf } from '../security/authority.ts'
import {
  type ExportedAuthority,
  MAX_AUTHORITY_FILE_BYTES,
  openAuthority,
  sealAuthority,
} from '../security/authority-file.ts'
import { authorityKeys } from '../security/authority-succession.ts'
import { decodeChain } from '../security/chain.ts'
import { createHybridKey, type HybridSecretSeeds, wipeSeeds } from '../security/hybrid-key.ts'
import { issueCertificate } from '../security/issue.ts'
import {
  type KeystoreKind,
  type KeystoreSecrets,
  keystoreSecrets,
  wipeSecrets,
} from '../security/keystore.ts'
import { readSecretFile, writeSecretFile } from '../security/secret-file.ts'
import { enteredOffline } from './audit/offline-audit.ts'
import { loadMeshFacts, noMesh } from './mesh-facts.ts'
import { type OpenHome, openSecrets, withLock } from './open-home.ts'

export type HomeKeysFault =
  | { code: 'NO_AUTHORITY'; home: string }
  | { code: 'HOLDS_AUTHORITY'; home: string }
  | { code: 'OTHER_MESH'; meshId: MeshId }
  | { code: 'UNKNOWN_AUTHORITY'; authority: string }
  | { code: 'AUTHORITY_REPLACED' }
  | { code: 'FILE_EXISTS'; path: string }

export interface KeysDeps {
  readonly clock: Clock
  readonly random: Random
}

/** A sealed file of the authority, and what opens it. */
export interface AuthorityFile {
  readonly path: string
  readonly passphrase: string
}

/** Seals the secrets of a home anew: under another passphrase, or with a key file when there is none. */
export async function resealHome(
  deps: KeysDeps,
  home: OpenHome,
  passphrase: string | undefined,
  next: string | undefined,
): Promise<KeystoreKind> {
  const facts = factsOf(home)
  return withSecrets(home, passphrase, async (secrets) =>
    withLock(next, async (lock) => {
      const change = { operation: 'keystore.reseal', input: { kind: lock.kind } }
      await enteredOffline(deps, home, { facts, node: secrets.node }, change, () =>
        home.keystore.replace(secrets, lock),
      )
      return lock.kind
    }),
  )
}

/** Writes the authority of this home into a sealed file, and opens that once to know that it can be. */
export async function exportAuthority(
  deps: KeysDeps,
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
): Promise<{ readonly meshId: MeshId; readonly mesh: string }> {
  const facts = factsOf(home)
  const { meshId, name } = facts
  return withSecrets(home, passphrase, async ({ node, authority }) => {
    if (authority === undefined) throw noAuthority(home)
    if (!isCurrent(home, authority)) throw authorityReplaced()
    await checkNoFile(file.path)
    const change = { operation: 'authority.export', input: { file: file.path } }
    await enteredOffline(deps, home, { facts, node }, change, () =>
      sealToFile(deps, { meshId, meshName: name.slice(0, 63), seeds: authority }, file),
    )
    return { meshId, mesh: name }
  })
}

/** Writes a sealed authority, and opens it once to know that it can be: what does not open is found out in time. */
export async function sealToFile(
  deps: KeysDeps,
  authority: ExportedAuthority,
  file: AuthorityFile,
): Promise<void> {
  const sealed = await withBytes(file.passphrase, (bytes) => sealAuthority(deps, authority, bytes))
  await writeSecretFile(deps, file.path, sealed)
  const read = await readAuthority(file)
  wipeSeeds(read.seeds)
}

/** @throws FaultError FILE_EXISTS */
export async function checkNoFile(path: string): Promise<void> {
  if ((await readSecretFile(path, MAX_AUTHORITY_FILE_BYTES)) !== undefined) throw fileExists(path)
}

/**
 * Takes the authority out of a home, for whoever keeps it elsewhere: only against a sealed file that opens and holds this
 * very authority. Before it goes, it gives this node a certificate that lets it go on issuing for `issuingMs`.
 */
export async function removeAuthority(
  deps: KeysDeps,
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
  issuingMs: number,
): Promise<{ readonly meshId: MeshId; readonly issuesUntil: number }> {
  const facts = factsOf(home)
  const { meshId } = facts
  return withSecrets(home, passphrase, async (secrets) => {
    const { authority, node } = secrets
    if (authority === undefined) throw noAuthority(home)
    const exported = await readAuthority(file)
    try {
      checkMesh(exported, home)
      const change = { operation: 'authority.remove', input: { file: file.path, issuingMs } }
      return await enteredOffline(deps, home, { facts, node }, change, async () => {
        const issuesUntil = grantIssuingToSelf(deps, home, { node, authority, meshId }, issuingMs)
        await withLock(passphrase, (lock) => home.keystore.replace(keystoreSecrets(node), lock))
        return { meshId, issuesUntil }
      })
    } finally {
      wipeSeeds(exported.seeds)
    }
  })
}

/** Puts the authority of a sealed file back into a home of the same mesh. */
export async function importAuthority(
  deps: KeysDeps,
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
): Promise<{ readonly meshId: MeshId }> {
  const facts = factsOf(home)
  const { meshId } = facts
  return withSecrets(home, passphrase, async ({ node, authority }) => {
    if (authority !== undefined && isCurrent(home, authority)) {
      throw new FaultError<HomeKeysFault>(
        { code: 'HOLDS_AUTHORITY', home: home.paths.root },
        'this home holds the authority already',
      )
    }
    const exported = await readAuthority(file)
    try {
      checkMesh(exported, home)
      const change = { operation: 'authority.import', input: { file: file.path } }
      await enteredOffline(deps, home, { facts, node }, change, () =>
        withLock(passphrase, (lock) => home.keystore.replace(keystoreSecrets(node, exported.seeds), lock)),
      )
      return { meshId }
    } finally {
      wipeSeeds(exported.seeds)
    }
  })
}

/** @throws FaultError KEYSTORE_MISSING, KEYSTORE_DAMAGED, KEYSTORE_LOCKED, KEYSTORE_EXPOSED */
export async function readAuthority({ path, passphrase }: AuthorityFile): Promise<ExportedAuthority> {
  const bytes = await readSecretFile(path, MAX_AUTHORITY_FILE_BYTES)
  if (bytes === undefined) {
    throw new FaultError({ code: 'KEYSTORE_MISSING', path }, `there is no file ${path}`, {
      hint: 'Give the file that x0t authority export has written.',
    })
  }
  return withBytes(passphrase, (secret) => openAuthority(path, bytes, secret))
}

/** Lets the node of a home issue for a while longer, by the authority that is still at hand. Returns until when. */
export function grantIssuingToSelf(
  deps: KeysDeps,
  { knowledge }: OpenHome,
  keys: { readonly node: HybridSecretSeeds; readonly authority: HybridSecretSeeds; readonly meshId: MeshId },
  issuingMs: number,
): number {
  const [nodeKey, key] = [createHybridKey(keys.node), createAuthority(keys.authority, keys.meshId)]
  try {
    const own = knowledge.certificates
      .all()
      .flatMap(({ chain }) => decodeChain(chain)?.leaf ?? [])
      .filter(({ mldsaPublicKey }) => Buffer.from(mldsaPublicKey).equals(nodeKey.publicKey.mldsa))
      .sort((left, right) => right.generation - left.generation)[0]
    if (own === undefined) throw noMesh('this home')
    const now = deps.clock.now()
    const { meshId, peerId, mldsaPublicKey, name, role, labels, transit } = own
    const chain = issueCertificate(
      deps,
      { kind: 'authority', key: key.key },
      {
        ...{ meshId, peerId, mldsaPublicKey, name, role, labels, transit },
        ...{ issuing: true, generation: own.generation + 1, issuedAt: now, expiresAt: now + issuingMs },
      },
    )
    const { generation, expiresAt } = chain.leaf
    knowledge.certificates.put({
      peer: peerId,
      rank: rankOf(chain),
      generation,
      expiresAt,
      chain: chain.bytes,
    })
    return expiresAt
  } finally {
    nodeKey.wipe()
    key.wipe()
  }
}

/** The keys of the authority that a home knows, newest first. */
function keysKnown(home: OpenHome): readonly string[] {
  const { meshId, authority } = factsOf(home)
  const line = loadLine(home.knowledge.meta, { meshId, publicKey: authority })
  return line === undefined ? [meshIdOf(authority)] : authorityKeys(line).map(({ id }) => id)
}

/** Fingerprint of the public keys that belong to these. */
export function fingerprintOf(seeds: HybridSecretSeeds): string {
  const key = createHybridKey(seeds)
  key.wipe()
  return meshIdOf(key.publicKey)
}

const isCurrent = (home: OpenHome, seeds: HybridSecretSeeds): boolean =>
  keysKnown(home)[0] === fingerprintOf(seeds)

function checkMesh({ meshId, seeds }: ExportedAuthority, home: OpenHome): void {
  const wanted = factsOf(home).meshId
  const holds = fingerprintOf(seeds)
  const known = keysKnown(home)
  if (meshId === wanted && holds === known[0]) return
  if (meshId === wanted && known.includes(holds)) throw authorityReplaced()
  if (meshId === wanted) {
    throw new FaultError<HomeKeysFault>(
      { code: 'UNKNOWN_AUTHORITY', authority: holds },
      `the file holds an authority of this mesh that this home has not heard of (fingerprint ${holds.slice(0, 16)}...)`,
      { hint: 'Start the node and wait until it is linked to a member, which tells it; then try again.' },
    )
  }
  throw new FaultError<HomeKeysFault>(
    { code: 'OTHER_MESH', meshId },
    `the file holds the authority of another mesh (${meshId.slice(0, 16)}...)`,
    { hint: `This home belongs to the mesh with the fingerprint ${wanted.slice(0, 16)}...` },
  )
}

export function factsOf(home: OpenHome) {
  const facts = loadMeshFacts(home.knowledge.meta)
  if (facts === undefined) throw noMesh(home.paths.root)
  return facts
}

export async function withSecrets<T>(
  home: OpenHome,
  passphrase: string | undefined,
  use: (secrets: KeystoreSecrets) => Promise<T>,
): Promise<T> {
  const { secrets } = await openSecrets(home.keystore, passphrase)
  try {
    return await use(secrets)
  } finally {
    wipeSecrets(secrets)
  }
}

async function withBytes<T>(text: string, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  const bytes = new TextEncoder().encode(text)
  try {
    return await use(bytes)
  } finally {
    wipe(bytes)
  }
}

export const noAuthority = (home: OpenHome): FaultError<HomeKeysFault> =>
  new FaultError<HomeKeysFault>(
    { code: 'NO_AUTHORITY', home: home.paths.root },
    'this home does not hold the authority of its mesh',
    { hint: 'Do it on the node that does, or put it here with x0t authority import FILE.' },
  )

export const authorityReplaced = (): FaultError<HomeKeysFault> =>
  new FaultError<HomeKeysFault>(
    { code: 'AUTHORITY_REPLACED' },
    'the authority of the mesh has another key by now: this one was replaced',
    { hint: 'Use the file that x0t authority rotate has written.' },
  )

const fileExists = (path: string): FaultError<HomeKeysFault> =>
  new FaultError<HomeKeysFault>({ code: 'FILE_EXISTS', path }, `there is a file ${path} already`, {
    hint: 'Name another one: what is sealed in it may be needed.',
  })
