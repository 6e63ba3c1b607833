import type { JoinId, NodeName, PeerId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'

/** What a peer is to this mesh right now. */
export type Standing = 'member' | 'expired' | 'revoked' | 'quarantined' | 'unknown'

/** Why an admission or a join was refused: stable codes, counted one by one, and what each means in a sentence. */
export const REFUSALS = {
  malformed: 'the message is not of the form that this mesh speaks',
  'wrong-mesh': 'the certificate or request belongs to another mesh',
  'wrong-peer': 'the certificate or request names another PeerId than the one that connected',
  forged: 'a signature on the certificate does not verify',
  overreach: 'whoever issued the certificate had no right to grant this much',
  expired: 'the certificate has expired',
  'authority-retired':
    'it was signed by a key of the mesh authority that has been replaced, and the time for both keys is over',
  'not-yet-valid': 'the certificate is from the future; one of the two clocks is wrong',
  revoked: 'the node has been revoked',
  'older-generation': 'a newer certificate of this node is known',
  'bad-signature': 'the proof of the node key does not verify for this connection',
  'bad-ticket': 'the proof of an earlier admission does not verify for this connection',
  'suite-downgrade': 'the cipher suite in use is not the first one that both ends offer',
  'not-a-join': 'a join was answered with something else',
  'unknown-invite': 'no such invite: it was never made here, or was withdrawn or pruned',
  'request-altered': 'the signatures on the join request do not verify',
  'invite-used': 'the invite was used by another node; it may have been stolen',
  'invite-expired': 'the invite has expired',
  'name-taken': 'another member of the mesh has this name',
  'join-rejected': 'an operator rejected the request',
  'join-expired': 'nobody approved the request in time',
  'not-an-issuer': 'the node that was asked may not issue certificates',
  'no-gain': 'the issuer could not give a later expiry than the certificate already has',
  'no-certificate': 'the node that was asked has no valid certificate itself',
  'issuer-unreachable': 'the node that made the invite cannot be reached from here now',
  'clock-behind': 'the clock of the issuer is behind a time it has already seen',
  busy: 'too many requests at once',
} as const

export type RefusalCode = keyof typeof REFUSALS

export const isRefusalCode = (raw: string): raw is RefusalCode => Object.hasOwn(REFUSALS, raw)

/** A refusal that says nothing for good: the same request may succeed elsewhere or later. */
export const isRetryable = (code: string): boolean =>
  code === 'issuer-unreachable' || code === 'clock-behind' || code === 'busy' || code === 'no-certificate'

export interface Refusal {
  readonly code: RefusalCode
  readonly reason: string
  /** Multiaddr text of where the bytes came from. */
  readonly remoteAddress: string
  readonly peer?: PeerId
}

export interface PendingJoin {
  readonly id: JoinId
  readonly peer: PeerId
  readonly name: NodeName
  readonly role: Role
  /** Wall clock, ms since the epoch. */
  readonly requestedAt: number
  /** Denied if nobody decided by then. */
  readonly expiresAt: number
}

/** One thing that neighbours should hear of: the name of it, since the newest of a kind replaces the others. */
export type News =
  | { readonly kind: 'certificate'; readonly peer: PeerId; readonly rank: number }
  | { readonly kind: 'revocation'; readonly issuer: string; readonly hash: string }
  | { readonly kind: 'head'; readonly issuer: string }
  | { readonly kind: 'policy' }
  | { readonly kind: 'record'; readonly peer: PeerId }

export interface MembershipEvents {
  /** The peer is no longer a member: every connection to it has to close. May name this very node. */
  expelled: { readonly peer: PeerId; readonly reason: 'expired' | 'revoked' | 'quarantined' }
  /** A member's certificate or node record is new or another. */
  memberChanged: { readonly peer: PeerId }
  policyChanged: { readonly version: number }
  /** The authority has another key, for the so manieth time. */
  authorityChanged: { readonly number: number }
  refused: Refusal
  /** A neighbour passed on what does not verify. */
  misbehaved: { readonly peer: PeerId; readonly what: string }
  joinPending: PendingJoin
  joinDecided: { readonly id: JoinId; readonly state: 'approved' | 'rejected' | 'expired' }
  /** The own certificate was renewed. */
  renewed: { readonly generation: number; readonly expiresAt: number }
  /** The clock is behind a time already seen, by so many ms. */
  clockBehind: { readonly byMs: number }
  news: News
}
