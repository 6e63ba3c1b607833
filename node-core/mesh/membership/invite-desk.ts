import type { InviteId, JoinId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import { wipe } from '../../platform/secret.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { createInvite, encodeToken, type InviteRecord } from '../../security/invite.ts'
import {
  decodeJoinRequest,
  type JoinRequest,
  judgeRedemption,
  verifyJoinRequest,
} from '../../security/join-request.ts'
import { type MembershipContext, validityNow } from './context.ts'
import type { PendingJoin, RefusalCode } from './events.ts'
import { clockBehind, membershipFault, notAnIssuer } from './faults.ts'
import type { CertificateIssuing } from './issuer.ts'
import type { JoinReply } from './join-reply.ts'
import type { Registry } from './registry.ts'
import type { InviteRow, JoinRow } from './store-port.ts'

const MAX_INVITES = 1_024
const MAX_EXPIRY_MS = 30 * 24 * 3_600_000
/** An invite that is over is kept this long, so that a late retry or a thief gets a clear answer. */
const KEEP_OVER_MS = 7 * 24 * 3_600_000

export interface InviteInput {
  readonly role: Role
  readonly labels?: readonly string[]
  /** May carry the traffic of others. Default true. */
  readonly transit?: boolean
  /** How long the token can be used, at most 30 days. */
  readonly expiresInMs: number
  /** An operator has to approve the request that uses it. Default false. */
  readonly needsApproval?: boolean
  /** Multiaddrs of this or other members, where whoever joins finds the mesh. At most 8 go into the token. */
  readonly addresses: readonly string[]
}

export interface CreatedInvite {
  readonly id: InviteId
  /** Secret: shown once and stored nowhere. */
  readonly token: string
  readonly role: Role
  readonly expiresAt: number
}

/** The issuer's side of joining: makes invites, redeems them once, and keeps requests that wait for an operator. */
export interface InviteDesk {
  /** @throws FaultError NOT_AN_ISSUER, ROLE_TOO_HIGH, CLOCK_BEHIND, TOO_MANY_INVITES, BAD_EXPIRY */
  create(input: InviteInput): CreatedInvite
  list(): readonly InviteRow[]
  withdraw(id: InviteId): void
  /** Judges a request that came over this node's own or a carrier's connection. Never throws for bad input. */
  redeem(requestBytes: Uint8Array): JoinReply
  pending(): readonly PendingJoin[]
  /** @throws FaultError JOIN_UNKNOWN, JOIN_DECIDED, CLOCK_BEHIND, NOT_AN_ISSUER */
  approve(id: JoinId): void
  /** @throws FaultError JOIN_UNKNOWN, JOIN_DECIDED */
  reject(id: JoinId): void
  /** Denies requests that nobody decided in time and forgets what is long over. */
  sweep(): void
}

export interface InviteDeskOptions {
  /** How long a request waits for an operator before it is denied. */
  readonly approvalMs: number
}

export function createInviteDesk(
  context: MembershipContext,
  options: InviteDeskOptions,
  parts: {
    readonly registry: Registry
    readonly issuing: CertificateIssuing
    /** Takes up a chain that was just issued. */
    readonly keep: (chain: CertificateChain) => void
  },
): InviteDesk {
  const { store, clock, events } = context
  const { registry, issuing, keep } = parts

  const refuse = (code: RefusalCode, genuine: boolean): JoinReply => ({ kind: 'refused', code, genuine })

  const isNameTaken = (request: JoinRequest): boolean =>
    registry.peers().some((peer) => {
      const member = registry.chainOf(peer)?.leaf
      return member !== undefined && peer !== request.peerId && member.name === request.name
    })

  /** What keeps a certificate from being issued now. Nothing here costs the invite. */
  const whyNotNow = (row: InviteRow, request: JoinRequest): RefusalCode | undefined => {
    if (issuing.clockBehindMs() > 0) return 'clock-behind'
    if (!issuing.mayGrant(row.role, false)) return 'not-an-issuer'
    return isNameTaken(request) ? 'name-taken' : undefined
  }

  const judge = (row: InviteRow, request: JoinRequest): JoinReply | undefined => {
    const self = { meshId: context.meshId, issuer: context.identity.peerId, invite: recordOf(row) }
    const verdict = verifyJoinRequest(request, self)
    if (verdict !== 'valid') return refuse(VERDICTS[verdict], false)
    if (registry.standing(request.peerId) === 'revoked') return refuse('revoked', true)
    const redemption = judgeRedemption(self.invite, row.use?.keysHash, request, validityNow(context))
    if (redemption === 'repeat') return undefined
    if (redemption !== 'redeem') return refuse(redemption === 'used' ? 'invite-used' : 'invite-expired', true)
    const refusal = whyNotNow(row, request)
    if (refusal !== undefined) return refuse(refusal, true)
    const use = { peer: request.peerId, keysHash: request.requester, usedAt: clock.now() }
    // The use is on disk before anything is signed: two requests in a race cannot both get past this line.
    const redeemed = store.invites.redeem(row.id, use)
    return redeemed === 'committed' || redeemed === 'repeated' ? undefined : refuse('invite-used', true)
  }

  const openJoin = (row: InviteRow, request: JoinRequest): JoinRow => {
    const known = store.joins.byInvite(row.id)
    if (known !== undefined) return known
    const nowMs = clock.now()
    const join: JoinRow = {
      id: `join-${Buffer.from(context.random.bytes(8)).toString('hex')}` as JoinId,
      invite: row.id,
      peer: request.peerId,
      name: request.name,
      request: request.bytes,
      requestedAt: nowMs,
      expiresAt: nowMs + options.approvalMs,
      state: 'pending',
      decidedAt: undefined,
    }
    store.joins.create(join)
    events.emit('joinPending', pendingOf(join, row.role))
    context.logger.info('a request to join waits for an operator', {
      join: join.id,
      peer: join.peer,
      name: join.name,
    })
    return join
  }

  const decide = (join: JoinRow, state: 'approved' | 'rejected' | 'expired'): void => {
    if (!store.joins.decide(join.id, state, clock.now())) {
      const now = store.joins.get(join.id)?.state ?? 'removed'
      throw membershipFault({ code: 'JOIN_DECIDED', id: join.id, state: now }, `${join.id} is ${now} already`)
    }
    context.counters.count(`joins.${state}`)
    events.emit('joinDecided', { id: join.id, state })
    context.logger.info('a request to join was decided', { join: join.id, peer: join.peer, state })
  }

  const isOver = (join: JoinRow): boolean => join.state === 'pending' && join.expiresAt <= clock.now()

  const afterApproval = (row: InviteRow, request: JoinRequest): JoinReply => {
    const join = openJoin(row, request)
    if (isOver(join)) {
      decide(join, 'expired')
      return refuse('join-expired', true)
    }
    switch (join.state) {
      case 'pending':
        return { kind: 'pending', joinId: join.id }
      case 'rejected':
        return refuse('join-rejected', true)
      case 'expired':
        return refuse('join-expired', true)
      case 'approved':
        return { kind: 'joined', chain: complete(row, request) }
    }
  }

  /** The certificate for a committed use: the one that was issued before, or a new one. */
  const complete = (row: InviteRow, request: JoinRequest): Uint8Array => {
    const issued = store.invites.get(row.id)?.chain
    if (issued !== undefined) return issued
    const { peerId, mldsaPublicKey, name } = request
    const { role, labels, transit } = row
    const chain = issuing.certify({ peerId, mldsaPublicKey, name, role, labels, transit, issuing: false })
    store.invites.complete(row.id, chain.bytes)
    context.counters.count('joins.issued')
    context.logger.info('a node joined by invite', { invite: row.id, peer: peerId, name, role })
    keep(chain)
    return chain.bytes
  }

  const redeem = (requestBytes: Uint8Array): JoinReply => {
    const request = decodeJoinRequest(requestBytes)
    if (request === undefined) return refuse('malformed', false)
    const row = store.invites.get(request.inviteId)
    if (row === undefined) return refuse('unknown-invite', false)
    const refusal = judge(row, request)
    if (refusal !== undefined) return refusal
    const notNow = row.chain === undefined ? whyNotNow(row, request) : undefined
    if (notNow !== undefined) return refuse(notNow, true)
    return row.needsApproval ? afterApproval(row, request) : { kind: 'joined', chain: complete(row, request) }
  }

  const pendingJoin = (id: JoinId): JoinRow => {
    const join = store.joins.get(id)
    if (join === undefined) throw membershipFault({ code: 'JOIN_UNKNOWN', id }, `there is no request ${id}`)
    if (isOver(join)) decide(join, 'expired')
    return join
  }

  return {
    create(input) {
      checkInput(issuing, input)
      prune(context)
      if (store.invites.list().length >= MAX_INVITES) {
        throw membershipFault(
          { code: 'TOO_MANY_INVITES', limit: MAX_INVITES },
          `there are ${MAX_INVITES} invites already`,
          'withdraw some, or wait until they expire',
        )
      }
      return issueInvite(context, input)
    },
    list: () => store.invites.list(),
    withdraw: (id) => store.invites.remove(id),
    redeem,
    pending: () =>
      store.joins
        .list()
        .filter((join) => join.state === 'pending' && !isOver(join))
        .map((join) => pendingOf(join, store.invites.get(join.invite)?.role ?? 'none')),
    approve(id) {
      const join = pendingJoin(id)
      const row = store.invites.get(join.invite)
      const request = decodeJoinRequest(join.request)
      if (row === undefined || request === undefined) {
        throw membershipFault({ code: 'JOIN_UNKNOWN', id }, `the invite of ${id} was withdrawn`)
      }
      if (!issuing.mayGrant(row.role, false)) throw notAnIssuer()
      const byMs = issuing.clockBehindMs()
      if (byMs > 0) throw clockBehind(byMs)
      decide(join, 'approved')
      complete(row, request)
    },
    reject: (id) => decide(pendingJoin(id), 'rejected'),
    sweep() {
      for (const join of store.joins.list()) if (isOver(join)) decide(join, 'expired')
      prune(context)
    },
  }
}

const VERDICTS = {
  'wrong-mesh': 'wrong-mesh',
  'wrong-issuer': 'not-an-issuer',
  'wrong-invite': 'unknown-invite',
  forged: 'request-altered',
} as const satisfies Record<string, RefusalCode>

function checkInput(issuing: CertificateIssuing, input: InviteInput): void {
  const byMs = issuing.clockBehindMs()
  if (byMs > 0) throw clockBehind(byMs)
  if (!issuing.isIssuer()) throw notAnIssuer()
  if (!issuing.mayGrant(input.role, false)) {
    throw membershipFault(
      { code: 'ROLE_TOO_HIGH', role: input.role },
      `this node may only grant roles below its own, not ${input.role}`,
      'an owner is made by the node that holds the mesh authority',
    )
  }
  if (!(input.expiresInMs > 0) || input.expiresInMs > MAX_EXPIRY_MS) {
    throw membershipFault(
      { code: 'BAD_EXPIRY', expiresInMs: input.expiresInMs },
      'an invite lasts more than no time and at most 30 days',
    )
  }
}

function issueInvite(context: MembershipContext, input: InviteInput): CreatedInvite {
  const nowMs = context.clock.now()
  const { invite, record } = createInvite(context, {
    meshId: context.meshId,
    issuer: context.identity.peerId,
    addresses: input.addresses,
    role: input.role,
    labels: input.labels ?? [],
    transit: input.transit ?? true,
    approve: input.needsApproval ?? false,
    nowMs,
    expiresAt: nowMs + input.expiresInMs,
  })
  try {
    context.store.invites.create(rowOf(record))
    context.counters.count('invites-created')
    const { inviteId: id, role, expiresAt } = record
    context.logger.info('an invite was made', { invite: id, role, expiresAt })
    return { id, token: encodeToken(invite), role, expiresAt }
  } finally {
    wipe(invite.secret)
  }
}

const rowOf = (record: InviteRecord): InviteRow => ({
  id: record.inviteId,
  role: record.role,
  labels: record.labels,
  transit: record.transit,
  needsApproval: record.approve,
  createdAt: record.createdAt,
  expiresAt: record.expiresAt,
  ed25519: record.publicKey.ed25519,
  mldsa: record.publicKey.mldsa,
  use: undefined,
  chain: undefined,
})

const recordOf = (row: InviteRow): InviteRecord => ({
  inviteId: row.id,
  publicKey: { ed25519: row.ed25519, mldsa: row.mldsa },
  role: row.role,
  labels: row.labels,
  transit: row.transit,
  approve: row.needsApproval,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
})

const pendingOf = (join: JoinRow, role: Role): PendingJoin => {
  const { id, peer, name, requestedAt, expiresAt } = join
  return { id, peer, name, role, requestedAt, expiresAt }
}

function prune({ store, clock }: MembershipContext): void {
  const nowMs = clock.now()
  for (const row of store.invites.list()) {
    const join = store.joins.byInvite(row.id)
    if (row.expiresAt + KEEP_OVER_MS > nowMs || join?.state === 'pending') continue
    if (join !== undefined) store.joins.remove(join.id)
    store.invites.remove(row.id)
  }
}
