import type { Stream } from '@libp2p/interface'
import { z } from 'zod'
import type { PeerId } from '../../domain/ids.ts'
import { forgetOldest } from '../../platform/bounded.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import { decodeStrict, encodeStrict } from '../../security/codec.ts'
import { exchange } from '../host/exchange.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import { isLoopback, knock } from './knock.ts'

const REACH_PROTOCOL = '/x0t/reach/1'

/** What a neighbour found when it tried to connect to this node. */
export type ReachAnswer =
  | { readonly kind: 'tried'; readonly results: readonly ReachResult[] }
  /** It has been asked too often, by this node or by all. */
  | { readonly kind: 'busy' }

export interface ReachResult {
  /** Of the asker's own node record. */
  readonly address: string
  readonly answered: boolean
}

export interface ReachDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly streams: PeerStreams
  readonly membership: {
    nodeRecord(peer: PeerId): { readonly addresses: readonly string[] } | undefined
  }
  /** Multiaddr of the other end of the connection to a neighbour. */
  readonly addressOf: (peer: PeerId) => string | undefined
}

/**
 * Whether others can connect to this node, found out by having a neighbour try. It tries only the addresses in the
 * asker's own signed record, few at a time and seldom, and says no more than whether a libp2p listener answered, so that
 * nobody can scan a network through it.
 */
export interface Reach extends Lifecycle {
  /** @throws FaultError PEER_NOT_CONNECTED, PROTOCOL_UNSUPPORTED, STREAM_CLOSED, TIMEOUT, ABORTED */
  ask(peer: PeerId, signal: AbortSignal): Promise<ReachAnswer>
}

const MAX_FRAME_BYTES = 8 * 1_024
const MAX_ADDRESSES = 4
const KNOCK_MS = 3_000
const EXCHANGE_MS = 8_000
/** One request of a neighbour in this time, and this many of all at once. */
const EVERY_MS = 5_000
const MAX_AT_ONCE = 4
const MAX_REMEMBERED = 1_024

const answerSchema: z.ZodType<ReachAnswer> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('tried'),
    results: z
      .array(z.strictObject({ address: z.string().max(256), answered: z.boolean() }))
      .max(MAX_ADDRESSES),
  }),
  z.strictObject({ kind: z.literal('busy') }),
])

const questionSchema = z.strictObject({ v: z.literal(1) })
const QUESTION = encodeStrict({ v: 1 })

export function createReach(deps: ReachDeps): Reach {
  const { clock, streams } = deps
  const logger = deps.logger.child({ component: 'reach' })
  const askedMs = new Map<PeerId, number>()
  let running = 0
  let stopping = new AbortController()

  const mayAsk = (peer: PeerId): boolean => {
    const nowMs = clock.monotonicMs()
    const lastMs = askedMs.get(peer)
    if (running >= MAX_AT_ONCE || (lastMs !== undefined && nowMs - lastMs < EVERY_MS)) return false
    askedMs.delete(peer)
    askedMs.set(peer, nowMs)
    forgetOldest(askedMs, MAX_REMEMBERED)
    return true
  }

  const answer = async (stream: Stream, peer: PeerId): Promise<void> => {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
    try {
      await withTimeout(
        clock,
        EXCHANGE_MS,
        'a request to connect back',
        async (signal) => {
          const frame = await frames.read(signal)
          if (frame === undefined || decodeStrict(questionSchema, frame, MAX_FRAME_BYTES) === undefined) {
            throw new TypeError('not a request of this protocol')
          }
          await frames.write(encodeStrict(await tryAll(peer)), signal)
          await frames.end(signal)
        },
        stopping.signal,
      )
    } catch (error) {
      logger.debug('a request to connect back failed', { peer, error: messageOf(error) })
      frames.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  const tryAll = async (peer: PeerId): Promise<ReachAnswer> => {
    if (!mayAsk(peer)) return { kind: 'busy' }
    // Seen from here, a loopback address of another machine is this one.
    const isLocal = isLoopback(deps.addressOf(peer) ?? '')
    const addresses = (deps.membership.nodeRecord(peer)?.addresses ?? [])
      .filter((address) => isLocal || !isLoopback(address))
      .slice(0, MAX_ADDRESSES)
    running += 1
    try {
      const limit = AbortSignal.any([stopping.signal, AbortSignal.timeout(KNOCK_MS)])
      const results = await Promise.all(
        addresses.map(async (address) => ({ address, answered: await knock(address, limit) })),
      )
      return { kind: 'tried', results }
    } finally {
      running -= 1
    }
  }

  return {
    ask: (peer, signal) =>
      exchange(
        { clock, streams },
        {
          peer,
          protocol: REACH_PROTOCOL,
          what: 'asking a neighbour to connect back',
          limitMs: EXCHANGE_MS,
          maxFrameBytes: MAX_FRAME_BYTES,
          signal,
        },
        async (frames, limit) => {
          await frames.write(QUESTION, limit)
          const frame = await frames.read(limit)
          const said = frame && decodeStrict(answerSchema, frame, MAX_FRAME_BYTES)
          if (said === undefined) throw new TypeError('the neighbour gave no answer of this protocol')
          await frames.end(limit)
          return said
        },
      ),
    async start() {
      stopping = new AbortController()
      await streams.handle(REACH_PROTOCOL, (stream, peer) => void answer(stream, peer), { maxStreams: 2 })
    },
    async stop() {
      stopping.abort()
      await streams.unhandle(REACH_PROTOCOL)
    },
  }
}
