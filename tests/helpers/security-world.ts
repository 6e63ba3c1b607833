import type { MeshId, NodeName } from '../../node-core/domain/ids.ts'
import type { Role } from '../../node-core/domain/role.ts'
import type { Random } from '../../node-core/platform/random.ts'
import { createAuthority, type MeshAuthority } from '../../node-core/security/authority.ts'
import type { CertificateChain, ChainTrust } from '../../node-core/security/chain.ts'
import { generateSeeds } from '../../node-core/security/hybrid-key.ts'
import { createIdentity, type NodeIdentity } from '../../node-core/security/identity.ts'
import { type CertificateGrant, issueCertificate } from '../../node-core/security/issue.ts'

/** A fixed moment, so that what a test signs is the same in every run: 2026-01-01T00:00:00Z. */
export const NOW_MS = Date.UTC(2026, 0, 1)
export const DAY_MS = 86_400_000

/** Repeatable bytes (mulberry32). For tests alone: it is no source of keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
    unit: () => next() / 2 ** 32,
  }
}

export interface TestNode {
  readonly identity: NodeIdentity
  readonly chain: CertificateChain
}

/** A mesh in memory: its authority, a founder (owner, issuing), an issuing admin, and as many members as asked for. */
export interface SecurityWorld {
  readonly random: Random
  readonly authority: MeshAuthority
  readonly meshId: MeshId
  readonly founder: TestNode
  readonly admin: TestNode
  identity(): NodeIdentity
  /** A member that the given node, or the authority, certifies. */
  member(role?: Role, by?: TestNode | 'authority', grant?: Partial<CertificateGrant>): TestNode
  /** What a certificate for a new node would say. */
  grant(identity: NodeIdentity, changes?: Partial<CertificateGrant>): CertificateGrant
  trust(changes?: Partial<ChainTrust>): ChainTrust
}

export function securityWorld(seed = 1): SecurityWorld {
  const random = seededRandom(seed)
  const authority = createAuthority(generateSeeds(random))
  const { meshId } = authority
  let count = 0
  const identity = (): NodeIdentity => createIdentity(generateSeeds(random))
  const grant: SecurityWorld['grant'] = (node, changes = {}) => ({
    meshId,
    peerId: node.peerId,
    mldsaPublicKey: node.key.publicKey.mldsa,
    name: `node-${++count}` as NodeName,
    role: 'operator',
    labels: [],
    transit: true,
    issuing: false,
    generation: 1,
    issuedAt: NOW_MS,
    expiresAt: NOW_MS + 7 * DAY_MS,
    ...changes,
  })
  const certified = (changes: Partial<CertificateGrant>, by: TestNode | 'authority'): TestNode => {
    const node = identity()
    const issuer =
      by === 'authority'
        ? ({ kind: 'authority', key: authority.key } as const)
        : ({ kind: 'node', key: by.identity.key, chain: by.chain } as const)
    return { identity: node, chain: issueCertificate({ random }, issuer, grant(node, changes)) }
  }
  const founder = certified({ role: 'owner', issuing: true }, 'authority')
  const admin = certified({ role: 'admin', issuing: true }, 'authority')
  return {
    random,
    authority,
    meshId,
    founder,
    admin,
    identity,
    grant,
    member: (role = 'operator', by = founder, changes = {}) => certified({ role, ...changes }, by),
    trust: (changes = {}) => ({
      meshId,
      authority: authority.key.publicKey,
      isRevoked: () => false,
      nowMs: NOW_MS + 1_000,
      ...changes,
    }),
  }
}
