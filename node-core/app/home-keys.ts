import type { MeshId } from '../domain/ids.ts'
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
import { decodeChain } from '../security/chain.ts'
import { createHybridKey, wipeSeeds } from '../security/hybrid-key.ts'
import { issueCertificate } from '../security/issue.ts'
import {
  type KeystoreKind,
  type KeystoreSecrets,
  keystoreSecrets,
  wipeSecrets,
} from '../security/keystore.ts'
import { readSecretFile, writeSecretFile } from '../security/secret-file.ts'
import { loadMeshFacts, noMesh } from './mesh-facts.ts'
import { type OpenHome, openSecrets, withLock } from './open-home.ts'

export type HomeKeysFault =
  | { code: 'NO_AUTHORITY'; home: string }
  | { code: 'HOLDS_AUTHORITY'; home: string }
  | { code: 'OTHER_MESH'; meshId: MeshId }
  | { code: 'FILE_EXISTS'; path: string }

interface Deps {
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
  home: OpenHome,
  passphrase: string | undefined,
  next: string | undefined,
): Promise<KeystoreKind> {
  return withSecrets(home, passphrase, async (secrets) =>
    withLock(next, async (lock) => {
      await home.keystore.replace(secrets, lock)
      return lock.kind
    }),
  )
}

/** Writes the authority of this home into a sealed file, and opens that once to know that it can be. */
export async function exportAuthority(
  deps: Deps,
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
): Promise<{ readonly meshId: MeshId; readonly mesh: string }> {
  const { meshId, name } = factsOf(home)
  return withSecrets(home, passphrase, async ({ authority }) => {
    if (authority === undefined) throw noAuthority(home)
    if ((await readSecretFile(file.path, MAX_AUTHORITY_FILE_BYTES)) !== undefined) throw fileExists(file.path)
    const sealed = await withBytes(file.passphrase, (bytes) =>
      sealAuthority(deps, { meshId, meshName: name.slice(0, 63), seeds: authority }, bytes),
    )
    await writeSecretFile(deps, file.path, sealed)
    const read = await readAuthority(file)
    wipeSeeds(read.seeds)
    return { meshId, mesh: name }
  })
}

/**
 * Takes the authority out of a home, for whoever keeps it elsewhere: only against a sealed file that opens and holds this
 * very authority. Before it goes, it gives this node a certificate that lets it go on issuing for `issuingMs`.
 */
export async function removeAuthority(
  deps: Deps,
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
  issuingMs: number,
): Promise<{ readonly meshId: MeshId; readonly issuesUntil: number }> {
  const { meshId } = factsOf(home)
  return withSecrets(home, passphrase, async (secrets) => {
    const { authority, node } = secrets
    if (authority === undefined) throw noAuthority(home)
    const exported = await readAuthority(file)
    try {
      checkMesh(exported, meshId)
      const issuesUntil = grantIssuingToSelf(deps, home, secrets, issuingMs)
      await withLock(passphrase, (lock) => home.keystore.replace(keystoreSecrets(node), lock))
      return { meshId, issuesUntil }
    } finally {
      wipeSeeds(exported.seeds)
    }
  })
}

/** Puts the authority of a sealed file back into a home of the same mesh. */
export async function importAuthority(
  home: OpenHome,
  passphrase: string | undefined,
  file: AuthorityFile,
): Promise<{ readonly meshId: MeshId }> {
  const { meshId } = factsOf(home)
  return withSecrets(home, passphrase, async ({ node, authority }) => {
    if (authority !== undefined) {
      throw new FaultError<HomeKeysFault>(
        { code: 'HOLDS_AUTHORITY', home: home.paths.root },
        'this home holds the authority already',
      )
    }
    const exported = await readAuthority(file)
    try {
      checkMesh(exported, meshId)
      await withLock(passphrase, (lock) => home.keystore.replace(keystoreSecrets(node, exported.seeds), lock))
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

function grantIssuingToSelf(
  deps: Deps,
  { knowledge }: OpenHome,
  { node, authority }: KeystoreSecrets,
  issuingMs: number,
): number {
  if (authority === undefined) throw new TypeError('asked for with the authority at hand')
  const [nodeKey, key] = [createHybridKey(node), createAuthority(authority)]
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

function checkMesh({ meshId, seeds }: ExportedAuthority, wanted: MeshId): void {
  const key = createHybridKey(seeds)
  const holds = meshIdOf(key.publicKey)
  key.wipe()
  if (meshId === wanted && holds === wanted) return
  throw new FaultError<HomeKeysFault>(
    { code: 'OTHER_MESH', meshId: holds },
    `the file holds the authority of another mesh (fingerprint ${holds.slice(0, 16)}...)`,
    { hint: `This home belongs to the mesh with the fingerprint ${wanted.slice(0, 16)}...` },
  )
}

function factsOf(home: OpenHome) {
  const facts = loadMeshFacts(home.knowledge.meta)
  if (facts === undefined) throw noMesh(home.paths.root)
  return facts
}

async function withSecrets<T>(
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

const noAuthority = (home: OpenHome): FaultError<HomeKeysFault> =>
  new FaultError<HomeKeysFault>(
    { code: 'NO_AUTHORITY', home: home.paths.root },
    'this home does not hold the authority of its mesh',
    { hint: 'Do it on the node that does, or put it here with x0t authority import FILE.' },
  )

const fileExists = (path: string): FaultError<HomeKeysFault> =>
  new FaultError<HomeKeysFault>({ code: 'FILE_EXISTS', path }, `there is a file ${path} already`, {
    hint: 'Name another one: what is sealed in it may be needed.',
  })
