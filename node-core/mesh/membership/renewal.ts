import type { Stream } from '@libp2p/interface'
import { z } from 'zod'
import type { PeerId } from '../../domain/ids.ts'
import { ROLES } from '../../domain/role.ts'
import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { sleep, withTimeout } from '../../platform/wait.ts'
import { type CertificateChain, decodeChain, MAX_CHAIN_BYTES } from '../../security/chain.ts'
import { bytesUpTo, decodeStrict, encodeStrict } from '../../security/codec.ts'
import { exchange } from '../host/exchange.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { RefusalCode } from './events.ts'
import type { Renewal } from './issuer.ts'
import type { Membership } from './membership.ts'

export const RENEW_PROTOCOL = '/x0t/renew/1'

const EXCHANGE_TIMEOUT_MS = 10_000
const MAX_FRAME_BYTES = MAX_CHAIN_BYTES + 1_024
const RETRY = { baseMs: 5_000, maxMs: 10 * 60_000 }
/** The wall clock may jump, so what is due is looked at this often. */
const MAX_SLEEP_MS = 60_000
/** An issuer answers this many requests a minute of one peer: one is needed in days, or every few seconds in a drill. */
const MAX_RENEWALS_PER_MINUTE = 30

/** The connection says who asks: the request has nothing to add. */
const REQUEST = encodeStrict({ kind: 'renew' })

const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('renewed'), chain: bytesUpTo(MAX_CHAIN_BYTES) }),
  z.strictObject({ kind: z.literal('refused'), code: z.string().min(1).max(32) }),
])

export type RenewReply = z.infer<typeof replySchema>

/** `undefined` for anything but the exact encoding of a reply. Never throws. */
export const decodeRenewReply = (bytes: Uint8Array): RenewReply | undefined =>
  decodeStrict<RenewReply>(replySchema, bytes, MAX_FRAME_BYTES)

export interface RenewalDeps {
  readonly streams: PeerStreams
  readonly membership: Membership
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface CertificateRenewal extends Lifecycle {
  /** Asks for the next certificate now, due or not. False when nobody gave one that lasts longer. */
  renewNow(signal: AbortSignal): Promise<boolean>
}

/**
 * Gets this node its next certificate once that of the present one is due, from itself if it holds the
 * authority, else from any issuer that it is connected to; tries again with a jittered backoff and never gives up.
 * And it serves `/x0t/renew/1` to others, if this node is an issuer.
 */
export function createRenewal(deps: RenewalDeps): CertificateRenewal {
  const { streams, clock } = deps
  const logger = deps.logger.child({ component: 'renewal' })
  const serve = createServer(deps, logger)
  let nudge = new AbortController()
  let stopNudging = (): void => {}
  let running: { readonly controller: AbortController; readonly done: Promise<void> } | undefined

  const loop = async (signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; !signal.aborted; ) {
      const waitMs = untilDueMs(deps)
      if (waitMs > 0) {
        attempt = 0
        await sleep(clock, Math.min(waitMs, MAX_SLEEP_MS), signal)
        continue
      }
      // Made before the attempt: who connects in the middle of it may be the issuer that it did not find.
      nudge = new AbortController()
      if (await renewOnce(deps, logger, signal)) continue
      await sleepUnlessNudged(backoffMs(attempt, RETRY, deps.random), signal)
      attempt += 1
    }
  }
  /** Whoever connects may be an issuer: no reason to wait any longer. */
  const sleepUnlessNudged = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    try {
      await sleep(clock, delayMs, AbortSignal.any([signal, nudge.signal]))
    } catch (error) {
      if (signal.aborted) throw error
    }
  }

  return {
    renewNow: (signal) => renewOnce(deps, logger, signal),
    async start() {
      if (running !== undefined) return
      await streams.handle(RENEW_PROTOCOL, (stream, peer) => void serve(stream, peer), { maxStreams: 4 })
      stopNudging = streams.onConnect(() => nudge.abort())
      const controller = new AbortController()
      const done = loop(controller.signal).catch((error: unknown) => {
        if (!controller.signal.aborted) logger.error('renewal stopped', { error: messageOf(error) })
      })
      running = { controller, done }
    },
    async stop() {
      const stopping = running
      running = undefined
      stopNudging()
      stopping?.controller.abort()
      await stopping?.done
      await streams.unhandle(RENEW_PROTOCOL)
    },
  }
}

/** 0 or less when the next certificate is due, or overdue because there is no valid one any more. */
const untilDueMs = ({ membership, clock }: RenewalDeps): number =>
  (membership.renewalDueAtMs() ?? 0) - clock.now()

async function renewOnce(deps: RenewalDeps, logger: Logger, signal: AbortSignal): Promise<boolean> {
  const { membership } = deps
  if (membership.holdsAuthority && membership.renew(membership.self).kind === 'renewed') {
    announce(membership, logger, membership.self)
    return true
  }
  for (const issuer of issuersInReach(deps)) {
    try {
      const chain = await ask(deps, issuer, signal)
      if (chain !== undefined && takeUp(membership, chain)) {
        announce(membership, logger, issuer)
        return true
      }
    } catch (error) {
      if (signal.aborted) throw error
      logger.debug('an issuer did not answer', { issuer, error: messageOf(error) })
    }
  }
  const expiresAt = membership.longestOwnChain()?.leaf.expiresAt
  logger.warn('the certificate is due for renewal, and no issuer that is connected renewed it', { expiresAt })
  return false
}

/** The highest role first, since it may grant most; among equals in random order, so that the load is shared. */
function issuersInReach({ streams, membership, random }: RenewalDeps): readonly PeerId[] {
  return streams
    .peers()
    .map((peer) => ({ peer, certificate: membership.certificateOf(peer), lot: random.unit() }))
    .filter(({ certificate }) => certificate?.issuing === true)
    .sort(
      (left, right) => rank(left.certificate?.role) - rank(right.certificate?.role) || left.lot - right.lot,
    )
    .map(({ peer }) => peer)
}

const rank = (role: (typeof ROLES)[number] | undefined): number =>
  role === undefined ? ROLES.length : ROLES.indexOf(role)

/** Nothing is taken up that is not for this node's own keys, valid, and longer than what there is. */
function takeUp(membership: Membership, chain: CertificateChain): boolean {
  if (chain.leaf.peerId !== membership.self || membership.judgeChain(chain) !== 'valid') return false
  const longest = membership.longestOwnChain()
  if (longest !== undefined && membership.endsAt(chain) <= membership.endsAt(longest)) return false
  membership.keepChain(chain)
  return true
}

function announce(membership: Membership, logger: Logger, issuer: PeerId): void {
  const leaf = membership.longestOwnChain()?.leaf
  if (leaf === undefined) return
  const { generation, expiresAt } = leaf
  logger.info('the certificate was renewed', { issuer, generation, expiresAt })
  membership.events.emit('renewed', { generation, expiresAt })
}

async function ask(
  { streams, clock }: RenewalDeps,
  issuer: PeerId,
  signal: AbortSignal,
): Promise<CertificateChain | undefined> {
  return await exchange(
    { clock, streams },
    {
      peer: issuer,
      protocol: RENEW_PROTOCOL,
      what: 'a renewal',
      limitMs: EXCHANGE_TIMEOUT_MS,
      maxFrameBytes: MAX_FRAME_BYTES,
      signal,
    },
    async (frames, limit) => {
      await frames.write(REQUEST, limit)
      const answer = await frames.read(limit)
      await frames.end(limit)
      const reply = answer === undefined ? undefined : decodeRenewReply(answer)
      return reply?.kind === 'renewed' ? decodeChain(reply.chain) : undefined
    },
  )
}

function createServer(deps: RenewalDeps, logger: Logger): (stream: Stream, peer: PeerId) => Promise<void> {
  const { membership, clock } = deps
  const recent = new Map<PeerId, { sinceMs: number; count: number }>()

  const isTooOften = (peer: PeerId): boolean => {
    const nowMs = clock.monotonicMs()
    for (const [other, entry] of recent) if (nowMs - entry.sinceMs > 60_000) recent.delete(other)
    const entry = recent.get(peer) ?? { sinceMs: nowMs, count: 0 }
    entry.count += 1
    recent.set(peer, entry)
    return entry.count > MAX_RENEWALS_PER_MINUTE
  }
  const answer = (peer: PeerId): Renewal => {
    const refuse = (code: RefusalCode): Renewal => ({ kind: 'refused', code })
    if (isTooOften(peer)) return refuse('busy')
    if (!membership.isIssuer) return refuse('not-an-issuer')
    return membership.renew(peer)
  }

  return async (stream, peer) => {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
    try {
      await withTimeout(clock, EXCHANGE_TIMEOUT_MS, 'a renewal', async (signal) => {
        const request = await frames.read(signal)
        if (request === undefined) return
        const renewal = answer(peer)
        if (renewal.kind === 'refused') logger.info('a renewal was refused', { peer, code: renewal.code })
        const reply: RenewReply =
          renewal.kind === 'renewed'
            ? { kind: 'renewed', chain: renewal.chain.bytes }
            : { kind: 'refused', code: renewal.code }
        await frames.write(encodeStrict(reply), signal)
        await frames.end(signal)
      })
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)))
      logger.debug('a renewal broke off', { peer, error: messageOf(error) })
    }
  }
}
