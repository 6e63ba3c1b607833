import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { withTimeout } from '../../platform/wait.ts'
import { createMessageFrames, type MessageFrames } from './message-frames.ts'
import type { PeerStreams } from './peer-streams.ts'

export interface ExchangeDeps {
  readonly clock: Clock
  readonly streams: Pick<PeerStreams, 'open'>
}

export interface ExchangeOptions {
  readonly peer: PeerId
  readonly protocol: string
  /** What it is, for the message when it takes too long. */
  readonly what: string
  readonly limitMs: number
  readonly maxFrameBytes: number
  readonly signal: AbortSignal
}

/**
 * One exchange of messages on a stream of its own, within a time. `talk` ends the stream; if it fails in whatever way,
 * the stream is aborted, so that the other end does not wait.
 *
 * @throws FaultError TIMEOUT or ABORTED, what opening a stream throws, and what `talk` throws
 */
export function exchange<T>(
  { clock, streams }: ExchangeDeps,
  { peer, protocol, what, limitMs, maxFrameBytes, signal }: ExchangeOptions,
  talk: (frames: MessageFrames, limit: AbortSignal) => Promise<T>,
): Promise<T> {
  return withTimeout(
    clock,
    limitMs,
    what,
    async (limit) => {
      const frames = createMessageFrames(await streams.open(peer, protocol, limit), { maxFrameBytes })
      try {
        return await talk(frames, limit)
      } catch (error) {
        frames.abort(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
    signal,
  )
}
