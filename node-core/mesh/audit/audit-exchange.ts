import type { Stream } from '@libp2p/interface'
import { z } from 'zod'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import { MAX_AUDIT_HEAD_BYTES } from '../../security/audit-entry.ts'
import { peerIdSchema } from '../../security/certificate.ts'
import { bytesUpTo, decodeStrict, encodeStrict, timeMs } from '../../security/codec.ts'
import { exchange } from '../host/exchange.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'

const AUDIT_PROTOCOL = '/x0t/audit/1'

/** A head of another node, and when it came. */
export interface HeldHead {
  readonly head: Uint8Array
  readonly heldAt: number
}

/** Entries of a log from one number on, with the signature over its end. */
export interface AuditPage {
  readonly rows: readonly { readonly seq: number; readonly entry: Uint8Array }[]
  readonly head: Uint8Array | null
  /** Null when the page is the last. */
  readonly next: number | null
}

/** What this node holds of others, and shows of itself. */
export interface AuditShelf {
  /** Keeps a head that the peer has signed, and answers with the highest that is held of the same log. */
  hold(from: PeerId, head: Uint8Array): Uint8Array | undefined
  held(of: PeerId): readonly HeldHead[]
  /** `undefined` where this peer may not read the own log. */
  page(from: PeerId, after: number): AuditPage | undefined
}

export interface AuditExchangeDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly streams: PeerStreams
  readonly shelf: AuditShelf
}

/** Heads of audit logs, held by others, and logs, read by those who may. @throws FaultError of the streams, TIMEOUT */
export interface AuditExchange extends Lifecycle {
  /** Gives a peer the own head to hold. Answers with the highest that it holds of the same log. */
  offer(peer: PeerId, head: Uint8Array, signal: AbortSignal): Promise<Uint8Array | undefined>
  askHeld(peer: PeerId, of: PeerId, signal: AbortSignal): Promise<readonly HeldHead[]>
  /** `undefined` where the peer does not let this node read its log. */
  askPage(peer: PeerId, after: number, signal: AbortSignal): Promise<AuditPage | undefined>
}

const MAX_FRAME_BYTES = 4 * 1024 * 1024
const MAX_QUESTION_BYTES = 16 * 1024
const EXCHANGE_MS = 10_000
const MAX_HEADS = 512
const MAX_ROWS = 512
const MAX_ENTRY_BYTES = 128 * 1024
/** A page is cut when it has grown to this. */
export const PAGE_BYTES = 1024 * 1024

const headBytes = bytesUpTo(MAX_AUDIT_HEAD_BYTES)
const seq = z.int().min(0)

const questionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hold'), head: headBytes }),
  z.strictObject({ kind: z.literal('held'), of: peerIdSchema }),
  z.strictObject({ kind: z.literal('page'), after: seq }),
])
type Question = z.infer<typeof questionSchema>

const answerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('highest'), head: headBytes.nullable() }),
  z.strictObject({
    kind: z.literal('held'),
    heads: z.array(z.strictObject({ head: headBytes, heldAt: timeMs })).max(MAX_HEADS),
  }),
  z.strictObject({
    kind: z.literal('page'),
    rows: z.array(z.strictObject({ seq, entry: bytesUpTo(MAX_ENTRY_BYTES) })).max(MAX_ROWS),
    head: headBytes.nullable(),
    next: seq.nullable(),
  }),
  z.strictObject({ kind: z.literal('refused') }),
])
type Answer = z.infer<typeof answerSchema>

export function createAuditExchange(deps: AuditExchangeDeps): AuditExchange {
  const { clock, streams, shelf } = deps
  const logger = deps.logger.child({ component: 'audit' })
  let stopping = new AbortController()

  const answerTo = (question: Question, peer: PeerId): Answer => {
    switch (question.kind) {
      case 'hold':
        return { kind: 'highest', head: shelf.hold(peer, question.head) ?? null }
      case 'held':
        return {
          kind: 'held',
          heads: shelf
            .held(question.of)
            .slice(-MAX_HEADS)
            .map((one) => ({ ...one })),
        }
      case 'page': {
        const page = shelf.page(peer, question.after)
        return page === undefined
          ? { kind: 'refused' }
          : { kind: 'page', ...page, rows: page.rows.map((row) => ({ ...row })) }
      }
    }
  }

  const serve = async (stream: Stream, peer: PeerId): Promise<void> => {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_FRAME_BYTES })
    const exchange = async (signal: AbortSignal): Promise<void> => {
      const frame = await frames.read(signal)
      const question = frame && decodeStrict(questionSchema, frame, MAX_QUESTION_BYTES)
      if (question === undefined) throw new TypeError('not a question of this protocol')
      await frames.write(encodeStrict(answerTo(question, peer)), signal)
      await frames.end(signal)
    }
    try {
      await withTimeout(clock, EXCHANGE_MS, 'a question on an audit log', exchange, stopping.signal)
    } catch (error) {
      logger.debug('a question on an audit log failed', { peer, error: messageOf(error) })
      frames.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  const ask = (peer: PeerId, question: Question, signal: AbortSignal): Promise<Answer> =>
    exchange(
      { clock, streams },
      {
        peer,
        protocol: AUDIT_PROTOCOL,
        what: 'asking a member about an audit log',
        limitMs: EXCHANGE_MS,
        maxFrameBytes: MAX_FRAME_BYTES,
        signal,
      },
      async (frames, limit) => {
        await frames.write(encodeStrict(question), limit)
        const frame = await frames.read(limit)
        const said = frame && decodeStrict(answerSchema, frame, MAX_FRAME_BYTES)
        if (said === undefined) throw new TypeError('the member gave no answer of this protocol')
        await frames.end(limit)
        return said
      },
    )

  return {
    async offer(peer, head, signal) {
      const said = await ask(peer, { kind: 'hold', head }, signal)
      return said.kind === 'highest' ? (said.head ?? undefined) : undefined
    },
    async askHeld(peer, of, signal) {
      const said = await ask(peer, { kind: 'held', of }, signal)
      return said.kind === 'held' ? said.heads : []
    },
    async askPage(peer, after, signal) {
      const said = await ask(peer, { kind: 'page', after }, signal)
      return said.kind === 'page' ? said : undefined
    },
    async start() {
      stopping = new AbortController()
      await streams.handle(AUDIT_PROTOCOL, (stream, peer) => void serve(stream, peer), { maxStreams: 4 })
    },
    async stop() {
      stopping.abort()
      await streams.unhandle(AUDIT_PROTOCOL)
    },
  }
}
