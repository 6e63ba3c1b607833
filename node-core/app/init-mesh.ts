import type { MeshId, NodeName, PeerId } from '../domain/ids.ts'
import { rankOf } from '../mesh/membership/registry.ts'
import type { Clock } from '../platform/clock.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { createAuthority, type MeshAuthority } from '../security/authority.ts'
import type { ExportedAuthority } from '../security/authority-file.ts'
import { generateSeeds, wipeSeeds } from '../security/hybrid-key.ts'
import { createIdentity, type NodeIdentity } from '../security/identity.ts'
import { issueCertificate } from '../security/issue.ts'
import { type KeystoreKind, keystoreSecrets } from '../security/keystore.ts'
import { STARTING_POLICY } from '../security/policy-document.ts'
import { signPolicyVersion } from '../security/policy-version.ts'
import { saveMeshFacts } from './mesh-facts.ts'
import { type OpenHome, withLock } from './open-home.ts'

export type InitFault = { code: 'HOME_HAS_NODE'; home: string }

export interface InitOptions {
  readonly mesh: string
  readonly name: NodeName
  readonly passphrase: string | undefined
  readonly certificateLifeMs: number
}

export interface Founded {
  readonly peerId: PeerId
  readonly meshId: MeshId
  readonly keystore: KeystoreKind
}

/**
 * Founds a mesh in an empty home: authority, node identity, owner certificate and the starting policy. The keystore is
 * written last and is what makes it count: an attempt that broke off before leaves a home in which `init` can run again.
 *
 * @throws FaultError HOME_HAS_NODE, or what the store and the keystore throw
 */
export async function initMesh(
  deps: { readonly clock: Clock; readonly random: Random },
  home: OpenHome,
  options: InitOptions,
): Promise<Founded> {
  await checkEmpty(home)
  const nodeSeeds = generateSeeds(deps.random)
  const authoritySeeds = generateSeeds(deps.random)
  const identity = createIdentity(nodeSeeds)
  const authority = createAuthority(authoritySeeds)
  try {
    storeFounder(deps, home, { ...options, identity, authority })
    return await withLock(options.passphrase, async (lock) => {
      await home.keystore.create(keystoreSecrets(nodeSeeds, authoritySeeds), lock)
      return { peerId: identity.peerId, meshId: authority.meshId, keystore: lock.kind }
    })
  } finally {
    identity.wipe()
    authority.wipe()
    wipeSeeds(nodeSeeds)
    wipeSeeds(authoritySeeds)
  }
}

const HAS_NODE_HINT =
  'Start it with x0t up. If it was left by an x0t join that broke off, run that again. Or name another home with --home.'

/** A node that takes over a mesh whose authority has come back from a sealed file. */
export interface RecoverOptions {
  readonly authority: ExportedAuthority
  readonly name: NodeName
  readonly passphrase: string | undefined
  readonly certificateLifeMs: number
  /** Where members are: multiaddrs. What was revoked and decided meanwhile, this node learns from them. */
  readonly peers: readonly string[]
}

/**
 * Makes an empty home a node of a mesh that exists: an owner with a new identity and the authority. No policy is written:
 * the mesh has one, and an older number would never be taken.
 *
 * @throws FaultError HOME_HAS_NODE, or what the store and the keystore throw
 */
export async function recoverMesh(
  deps: { readonly clock: Clock; readonly random: Random },
  home: OpenHome,
  { authority: exported, passphrase, ...options }: RecoverOptions,
): Promise<Founded> {
  await checkEmpty(home)
  const nodeSeeds = generateSeeds(deps.random)
  const identity = createIdentity(nodeSeeds)
  const authority = createAuthority(exported.seeds, exported.meshId)
  try {
    storeFounder(deps, home, { ...options, mesh: exported.meshName, identity, authority })
    return await withLock(passphrase, async (lock) => {
      await home.keystore.create(keystoreSecrets(nodeSeeds, exported.seeds), lock)
      return { peerId: identity.peerId, meshId: authority.meshId, keystore: lock.kind }
    })
  } finally {
    identity.wipe()
    authority.wipe()
    wipeSeeds(nodeSeeds)
  }
}

async function checkEmpty({ keystore, paths }: OpenHome): Promise<void> {
  if ((await keystore.kind()) === undefined) return
  throw new FaultError<InitFault>(
    { code: 'HOME_HAS_NODE', home: paths.root },
    `the home ${paths.root} already holds a node`,
    { hint: HAS_NODE_HINT },
  )
}

interface Founder extends Pick<InitOptions, 'mesh' | 'name' | 'certificateLifeMs'> {
  readonly identity: NodeIdentity
  readonly authority: MeshAuthority
  readonly peers?: readonly string[]
}

function storeFounder(
  deps: { readonly clock: Clock; readonly random: Random },
  { knowledge }: OpenHome,
  { mesh, name, certificateLifeMs, identity, authority, peers }: Founder,
): void {
  const now = deps.clock.now()
  const chain = issueCertificate(
    deps,
    { kind: 'authority', key: authority.key },
    {
      meshId: authority.meshId,
      peerId: identity.peerId,
      mldsaPublicKey: identity.key.publicKey.mldsa,
      name,
      role: 'owner',
      labels: [],
      transit: true,
      issuing: true,
      generation: 1,
      issuedAt: now,
      expiresAt: now + certificateLifeMs,
    },
  )
  if (peers === undefined) {
    const policy = signPolicyVersion(authority, undefined, STARTING_POLICY, now)
    knowledge.policies.append({ version: policy.number, acceptedAt: now, policy: policy.bytes })
  }
  knowledge.certificates.put({
    peer: identity.peerId,
    rank: rankOf(chain),
    generation: chain.leaf.generation,
    expiresAt: chain.leaf.expiresAt,
    chain: chain.bytes,
  })
  saveMeshFacts(knowledge.meta, {
    meshId: authority.meshId,
    name: mesh,
    nodeName: name,
    authority: authority.key.publicKey,
    bootstrap: peers ?? [],
  })
}
