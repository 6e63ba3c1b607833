import type { JoinId } from '../../domain/ids.ts'
import type { Role } from '../../domain/role.ts'
import type { CertificateChain } from '../../security/chain.ts'
import {
  decodeJoinRequest,
  type JoinRequest,
  judgeRedemption,
  verifyJoinRequest,
} from '../../security/join-request.ts'
import { type MembershipContext, validityNow } from './context.ts'
import type { PendingJoin, RefusalCode } from './events.ts'
import { clockBehind, membershipFault, notAnIssuer } from './faults.ts'
import { recordOf } from './invite-desk.ts'
import type { CertificateIssuing } from './issuer.ts'
import type { JoinReply } from './join-reply.ts'
import type { Registry } from './registry.ts'
import type { InviteRow, JoinRow, JoinState } from './store-port.ts'

/** The issuer's side of joining: redeems each invite once, and keeps requests that wait for an operator. */
export interface JoinDesk {
  /** Judges a request that came over this node's own or a carrier's connection. Never throws for bad input. */
  redeem(requestBytes: Uint8Array): JoinReply
  pending(): readonly PendingJoin[]
  /** @throws FaultError JOIN_UNKNOWN, JOIN_DECIDED, CLOCK_BEHIND, NOT_AN_ISSUER */
  approve(id: JoinId): void
  /** @throws FaultError JOIN_UNKNOWN, JOIN_DECIDED */
  reject(id: JoinId): void
  /** Denies requests that nobody decided in time. */
  sweep(): void
}

export interface JoinDeskParts {
  readonly registry: Registry
  readonly issuing: CertificateIssuing
  /** Takes up a chain that was just issued. */
  readonly keep: (chain: CertificateChain) => void
}

export interface JoinDeskOptions {
  /** How long a request waits for an operator before it is denied. */
  readonly approvalMs: number
}

export const createJoinDesk = (
  context: MembershipContext,
  options: JoinDeskOptions,
  parts: JoinDeskParts,
): JoinDesk => new IssuerJoinDesk(context, options, parts)

class IssuerJoinDesk implements JoinDesk {
  readonly #context: MembershipContext
  readonly #options: JoinDeskOptions
  readonly #parts: JoinDeskParts

  constructor(context: MembershipContext, options: JoinDeskOptions, parts: JoinDeskParts) {
    this.#context = context
    this.#options = options
    this.#parts = parts
  }

  redeem(requestBytes: Uint8Array): JoinReply {
    const request = decodeJoinRequest(requestBytes)
    if (request === undefined) return refuse('malformed', false)
    const row = this.#context.store.invites.get(request.inviteId)
    if (row === undefined) return refuse('unknown-invite', false)
    const refusal = this.#judge(row, request) ?? this.#whyNotNow(row, request)
    if (refusal !== undefined) return refusal
    if (row.use === undefined && !this.#commitUse(row, request)) return refuse('invite-used', true)
    if (row.needsApproval) return this.#afterApproval(row, request)
    return { kind: 'joined', chain: this.#complete(row, request) }
  }

  pending(): readonly PendingJoin[] {
    const { invites, joins } = this.#context.store
    return joins
      .list()
      .filter((join) => join.state === 'pending' && !this.#isOverdue(join))
      .map((join) => pendingOf(join, invites.get(join.invite)?.role ?? 'none'))
  }

  approve(id: JoinId): void {
    const join = this.#find(id)
    const row = this.#context.store.invites.get(join.invite)
    const request = decodeJoinRequest(join.request)
    if (row === undefined || request === undefined) throw unknownJoin(id)
    const { issuing } = this.#parts
    if (!issuing.mayGrant(row.role, false)) throw notAnIssuer()
    const byMs = issuing.clockBehindMs()
    if (byMs > 0) throw clockBehind(byMs)
    this.#decide(join, 'approved')
    this.#complete(row, request)
  }

  reject(id: JoinId): void {
    this.#decide(this.#find(id), 'rejected')
  }

  sweep(): void {
    for (const join of this.#context.store.joins.list()) {
      if (this.#isOverdue(join)) this.#decide(join, 'expired')
    }
  }

  /** What is wrong with the request for good. */
  #judge(row: InviteRow, request: JoinRequest): JoinReply | undefined {
    const { meshId, identity } = this.#context
    const invite = recordOf(row)
    if (this.#isOfRetiredAuthority(row)) return refuse('authority-retired', true)
    const verdict = verifyJoinRequest(request, { meshId, issuer: identity.peerId, invite })
    if (verdict !== 'valid') return refuse(VERDICTS[verdict], false)
    if (this.#parts.registry.standing(request.peerId) === 'revoked') return refuse('revoked', true)
    const redemption = judgeRedemption(invite, row.use?.keysHash, request, validityNow(this.#context))
    if (redemption === 'used') return refuse('invite-used', true)
    return redemption === 'expired' ? refuse('invite-expired', true) : undefined
  }

  /** Whoever holds such a token knows the mesh by a key that vouches for nothing any more. */
  #isOfRetiredAuthority({ createdAt }: InviteRow): boolean {
    const nowMs = validityNow(this.#context)
    return this.#context.authorities
      .keys()
      .some(
        ({ replacedBy, endsAt }) => replacedBy !== undefined && createdAt < replacedBy.at && endsAt <= nowMs,
      )
  }

  /** What keeps a certificate from being issued just now. Nothing here costs the invite. */
  #whyNotNow(row: InviteRow, request: JoinRequest): JoinReply | undefined {
    if (row.chain !== undefined) return undefined
    const { issuing, registry } = this.#parts
    if (issuing.clockBehindMs() > 0) return refuse('clock-behind', true)
    if (!issuing.mayGrant(row.role, false)) return refuse('not-an-issuer', true)
    const isTaken = registry
      .peers()
      .some((peer) => peer !== request.peerId && registry.chainOf(peer)?.leaf.name === request.name)
    return isTaken ? refuse('name-taken', true) : undefined
  }

  /** On disk before anything is signed, in one atomic step: of two requests in a race one gets past this line. */
  #commitUse(row: InviteRow, request: JoinRequest): boolean {
    const { store, clock } = this.#context
    const use = { peer: request.peerId, keysHash: request.requester, usedAt: clock.now() }
    const result = store.invites.redeem(row.id, use)
    return result === 'committed' || result === 'repeated'
  }

  #afterApproval(row: InviteRow, request: JoinRequest): JoinReply {
    const join = this.#context.store.joins.byInvite(row.id) ?? this.#open(row, request)
    if (this.#isOverdue(join)) this.#decide(join, 'expired')
    const { state } = this.#context.store.joins.get(join.id) ?? join
    switch (state) {
      case 'pending':
        return { kind: 'pending', joinId: join.id }
      case 'rejected':
        return refuse('join-rejected', true)
      case 'expired':
        return refuse('join-expired', true)
      case 'approved':
        return { kind: 'joined', chain: this.#complete(row, request) }
    }
  }

  #open(row: InviteRow, request: JoinRequest): JoinRow {
    const { store, clock, random, events, logger } = this.#context
    const requestedAt = clock.now()
    const join: JoinRow = {
      id: `join-${Buffer.from(random.bytes(8)).toString('hex')}` as JoinId,
      invite: row.id,
      peer: request.peerId,
      name: request.name,
      request: request.bytes,
      requestedAt,
      expiresAt: requestedAt + this.#options.approvalMs,
      state: 'pending',
      decidedAt: undefined,
    }
    store.joins.create(join)
    events.emit('joinPending', pendingOf(join, row.role))
    const { id, peer, name } = join
    logger.info('a request to join waits for an operator', { join: id, peer, name })
    return join
  }

  #isOverdue(join: JoinRow): boolean {
    return join.state === 'pending' && join.expiresAt <= this.#context.clock.now()
  }

  #find(id: JoinId): JoinRow {
    const join = this.#context.store.joins.get(id)
    if (join === undefined) throw unknownJoin(id)
    if (this.#isOverdue(join)) this.#decide(join, 'expired')
    return join
  }

  #decide(join: JoinRow, state: Exclude<JoinState, 'pending'>): void {
    const { store, clock, counters, events, logger } = this.#context
    const { id, peer } = join
    if (!store.joins.decide(id, state, clock.now())) {
      const now = store.joins.get(id)?.state ?? 'removed'
      throw membershipFault({ code: 'JOIN_DECIDED', id, state: now }, `${id} is ${now} already`)
    }
    counters.count(`joins.${state}`)
    events.emit('joinDecided', { id, state })
    logger.info('a request to join was decided', { join: id, peer, state })
  }

  /** The certificate for a committed use: the one that was issued before, or a new one. */
  #complete(row: InviteRow, request: JoinRequest): Uint8Array {
    const { store, counters, logger } = this.#context
    const issued = store.invites.get(row.id)?.chain
    if (issued !== undefined) return issued
    const { peerId, mldsaPublicKey, name } = request
    const { role, labels, transit } = row
    const grant = { peerId, mldsaPublicKey, name, role, labels, transit, issuing: false }
    const chain = this.#parts.issuing.certify(grant)
    store.invites.complete(row.id, chain.bytes)
    counters.count('joins.issued')
    logger.info('a node joined by invite', { invite: row.id, peer: peerId, name, role })
    this.#parts.keep(chain)
    return chain.bytes
  }
}

const VERDICTS = {
  'wrong-mesh': 'wrong-mesh',
  'wrong-issuer': 'not-an-issuer',
  'wrong-invite': 'unknown-invite',
  forged: 'request-altered',
} as const satisfies Record<string, RefusalCode>

const refuse = (code: RefusalCode, genuine: boolean): JoinReply => ({ kind: 'refused', code, genuine })

const unknownJoin = (id: JoinId) =>
  membershipFault(
    { code: 'JOIN_UNKNOWN', id },
    `there is no request ${id}`,
    'list the requests that wait, or ask for a new one with a new invite',
  )

const pendingOf = (join: JoinRow, role: Role): PendingJoin => {
  const { id, peer, name, requestedAt, expiresAt } = join
  return { id, peer, name, role, requestedAt, expiresAt }
}
