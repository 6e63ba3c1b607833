import type { InviteId, JoinId, NodeName, PeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'

/**
 * What membership needs to remember over a restart. Everything signed is kept as the bytes that were signed and is
 * verified again when it is loaded, so a database that was tampered with can only take away, never grant.
 *
 * All calls are synchronous and each is one atomic, durable commit: membership relies on a write being on disk when
 * the call returns (an invite's use before the certificate is signed, the highest head before it is believed). Node
 * records alone may be lost with the power: neighbours tell them again.
 */
export interface MembershipStore {
  readonly certificates: CertificateStore
  readonly revocations: RevocationStore
  readonly heads: HeadStore
  readonly policies: PolicyStore
  readonly invites: InviteStore
  readonly joins: JoinStore
  readonly nodeRecords: NodeRecordStore
  readonly meta: MetaStore
}

/** The newest certificate that issuers of one rank gave to a member, with the chain it travels with. */
export interface CertificateRow {
  readonly peer: PeerId
  /** -1 for the authority, else the place of the issuer's role in `ROLES`: with the peer, the key. At most six a peer. */
  readonly rank: number
  readonly generation: number
  /** Wall clock, ms since the epoch. */
  readonly expiresAt: number
  /** The encoded chain: the leaf and, when a node issued it, that node's own certificate. */
  readonly chain: Uint8Array
}

export interface CertificateStore {
  /** Replaces what is there for the peer and rank. */
  put(row: CertificateRow): void
  /** All of one peer. */
  remove(peer: PeerId): void
  all(): readonly CertificateRow[]
}

/** One entry of one issuer's hash-chained log. `issuer` is `authority` or a PeerId. */
export interface RevocationRow {
  readonly issuer: string
  /** From 1. Two entries of one issuer with the same seq are a fork of its log: both are kept, because both revoke. */
  readonly seq: number
  /** Hex SHA-256 of the entry: with the issuer, the key. */
  readonly hash: string
  readonly subject: PeerId
  readonly entry: Uint8Array
}

export interface RevocationStore {
  /** Adds an entry. One that is there already (issuer and hash) stays as it is: false. */
  append(row: RevocationRow): boolean
  /** Every entry, by issuer and then by seq. */
  all(): readonly RevocationRow[]
}

/** The highest head seen of one issuer's revocation log. */
export interface HeadRow {
  readonly issuer: string
  readonly seq: number
  /** When the issuer signed it, ms since the epoch by the issuer's clock. */
  readonly at: number
  readonly head: Uint8Array
}

export interface HeadStore {
  /** Keeps the row if its (seq, at) is higher than what is there, in that order. Tells whether it was kept. */
  put(row: HeadRow): boolean
  all(): readonly HeadRow[]
}

export interface PolicyRow {
  /** From 1. */
  readonly version: number
  /** When it was accepted here, ms since the epoch. */
  readonly acceptedAt: number
  /** The signed version. */
  readonly policy: Uint8Array
}

export interface PolicyStore {
  /** Adds a version above the latest; another is refused: false. */
  append(row: PolicyRow): boolean
  latest(): PolicyRow | undefined
  /** Newest first, at most `limit`. */
  history(limit: number): readonly PolicyRow[]
}

/** Who used an invite: fixed by the first request that proves it holds the token. */
export interface InviteUse {
  readonly peer: PeerId
  /** Hex SHA-256 over the joining node's two public keys: what a retry must repeat. */
  readonly keysHash: string
  /** Wall clock, ms since the epoch. */
  readonly usedAt: number
}

export interface InviteRow {
  readonly id: InviteId
  readonly role: Role
  readonly labels: readonly string[]
  readonly transit: boolean
  /** An operator has to say yes to each request. */
  readonly needsApproval: boolean
  readonly createdAt: number
  readonly expiresAt: number
  /** Public halves of the keys that the token's secret derives. The secret itself is stored nowhere. */
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
  readonly use: InviteUse | undefined
  /** The chain that was issued for it. */
  readonly chain: Uint8Array | undefined
}

export type RedeemResult =
  /** This call took the invite. */
  | 'committed'
  /** The same keys took it before: a retry. */
  | 'repeated'
  /** Other keys took it before. */
  | 'taken'
  | 'unknown'

export interface InviteStore {
  create(row: InviteRow): void
  get(id: InviteId): InviteRow | undefined
  /** Newest first. */
  list(): readonly InviteRow[]
  /** In one atomic commit: if the invite has no use, `use` becomes its use. Never overwrites. */
  redeem(id: InviteId, use: InviteUse): RedeemResult
  /** Stores the chain issued for a redeemed invite, unless it has one already: false. */
  complete(id: InviteId, chain: Uint8Array): boolean
  remove(id: InviteId): void
}

export type JoinState = 'pending' | 'approved' | 'rejected' | 'expired'

/** A request that waits, or waited, for an operator. */
export interface JoinRow {
  readonly id: JoinId
  readonly invite: InviteId
  readonly peer: PeerId
  readonly name: NodeName
  /** The signed request, as it came. */
  readonly request: Uint8Array
  readonly requestedAt: number
  /** A request that nobody decided by then is denied. */
  readonly expiresAt: number
  readonly state: JoinState
  readonly decidedAt: number | undefined
}

export interface JoinStore {
  /** Adds a row; there is at most one for an invite, a second is refused: false. */
  create(row: JoinRow): boolean
  get(id: JoinId): JoinRow | undefined
  byInvite(invite: InviteId): JoinRow | undefined
  /** Oldest first. */
  list(): readonly JoinRow[]
  /** Moves a pending row to its end state in one atomic commit; any other row stays: false. */
  decide(id: JoinId, state: Exclude<JoinState, 'pending'>, atMs: number): boolean
  remove(id: JoinId): void
}

/** The newest signed node record of one node: its addresses and services. */
export interface NodeRecordRow {
  readonly peer: PeerId
  readonly incarnation: number
  readonly seq: number
  readonly record: Uint8Array
}

export interface NodeRecordStore {
  /** Keeps the row if its (incarnation, seq) is higher than what is there. Tells whether it was kept. */
  put(row: NodeRecordRow): boolean
  remove(peer: PeerId): void
  all(): readonly NodeRecordRow[]
}

/** Small texts under fixed names, for example the clock floor and the own incarnation. */
export interface MetaStore {
  get(key: string): string | undefined
  set(key: string, value: string): void
}
