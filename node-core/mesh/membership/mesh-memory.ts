import type { MeshId, NodeName } from '../../domain/ids.ts'
import { parseMeshId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import {
  decodeAuthorityKey,
  encodeAuthorityKey,
  type MeshAuthority,
  meshIdOf,
} from '../../security/authority.ts'
import type { CertificateChain } from '../../security/chain.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import { issueCertificate } from '../../security/issue.ts'
import { DEFAULT_CERTIFICATE_LIFE_MS } from '../../security/limits.ts'
import { STARTING_POLICY } from '../../security/policy-document.ts'
import { signPolicyVersion } from '../../security/policy-version.ts'
import { rankOf } from './registry.ts'
import type { MembershipStore } from './store-port.ts'

const MESH_KEY = 'mesh-id'
const AUTHORITY_KEY = 'mesh-authority'

/** Which mesh a home belongs to. */
export interface MeshMembership {
  readonly authority: HybridPublicKey
  readonly chain: CertificateChain
}

/** Writes into a home's store what a node needs to be a member when it starts. */
export function rememberMesh(store: MembershipStore, { authority, chain }: MeshMembership): void {
  const { peerId: peer, generation, expiresAt } = chain.leaf
  store.certificates.put({ peer, rank: rankOf(chain), generation, expiresAt, chain: chain.bytes })
  store.meta.set(AUTHORITY_KEY, Buffer.from(encodeAuthorityKey(authority)).toString('base64'))
  store.meta.set(MESH_KEY, meshIdOf(authority))
}

/** The mesh that a home belongs to and its authority's public keys. `undefined` for a home that belongs to none. */
export function recallMesh(
  store: Pick<MembershipStore, 'meta'>,
): { readonly meshId: MeshId; readonly authority: HybridPublicKey } | undefined {
  const meshId = parseMeshId(store.meta.get(MESH_KEY) ?? '')
  const bytes = Buffer.from(store.meta.get(AUTHORITY_KEY) ?? '', 'base64')
  const authority = meshId === undefined ? undefined : decodeAuthorityKey(new Uint8Array(bytes), meshId)
  return meshId === undefined || authority === undefined ? undefined : { meshId, authority }
}

/**
 * Makes the first member of a new mesh, an owner that may issue, and the starting policy, and writes both into the
 * home's store.
 */
export function foundMesh(
  deps: {
    readonly clock: Clock
    readonly random: Random
    readonly store: MembershipStore
    readonly identity: NodeIdentity
    readonly authorityKey: MeshAuthority
  },
  options: { readonly name: NodeName; readonly certificateLifeMs?: number },
): MeshMembership {
  const { identity, authorityKey, store } = deps
  const nowMs = deps.clock.now()
  const chain = issueCertificate(
    deps,
    { kind: 'authority', key: authorityKey.key },
    {
      meshId: authorityKey.meshId,
      peerId: identity.peerId,
      mldsaPublicKey: identity.key.publicKey.mldsa,
      name: options.name,
      ...{ role: 'owner', labels: [], transit: true, issuing: true, generation: 1 },
      issuedAt: nowMs,
      expiresAt: nowMs + (options.certificateLifeMs ?? DEFAULT_CERTIFICATE_LIFE_MS),
    },
  )
  const mesh = { authority: authorityKey.key.publicKey, chain }
  rememberMesh(store, mesh)
  const policy = signPolicyVersion(authorityKey, undefined, STARTING_POLICY, nowMs)
  store.policies.append({ version: policy.number, acceptedAt: nowMs, policy: policy.bytes })
  return mesh
}
