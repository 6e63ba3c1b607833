import type { MessageStream } from '@libp2p/interface'
import { SecuredStream } from '../../noise-hfs/secured-stream.ts'
import { maxDataBytes } from '../mux/mux-frames.ts'

/**
 * Shares one connection fairly between bulk writers and keeps what is unsent under the muxer small: a writer asks for
 * its turn, sends at most `turnBytes` in it, and asks again. Without turns the first stream of the connection
 * takes every drain for itself, and each of the others adds a window's worth of bytes in front of the heartbeats.
 */
export interface SendLine {
  /**
   * Calls `turn` once, now or when the writers that asked before have had theirs. Asking again before that changes
   * nothing. `turn` must not throw.
   */
  request(turn: () => void): void
  withdraw(turn: () => void): void
  /** True while the connection takes no more bytes for now. */
  readonly isSaturated: boolean
  /** Bytes that writers report by `noteSent`, in all. */
  readonly sentBytes: number
  noteSent(bytes: number): void
  /** What one turn may send: it fills whole frames of the connection. */
  readonly turnBytes: number
  /** Data that fills one frame. */
  readonly frameBytes: number
}

const FRAMES_PER_TURN = 2
/** Of a connection that tells nothing of its frames. */
const DEFAULT_FRAME_BYTES = 64 * 1024

type Carrier = Pick<MessageStream, 'writableNeedsDrain' | 'addEventListener'>

export function createSendLine(carrier: Carrier): SendLine {
  const turns = new Set<() => void>()
  const frameBytes = carrier instanceof SecuredStream ? maxDataBytes(carrier) : DEFAULT_FRAME_BYTES
  let sentBytes = 0

  const pump = (): void => {
    for (const turn of turns) {
      if (carrier.writableNeedsDrain) return
      turns.delete(turn)
      turn()
    }
  }
  // In a microtask, so that the streams of the muxer first send what their last turns left over.
  carrier.addEventListener('drain', () => queueMicrotask(pump))

  return {
    frameBytes,
    turnBytes: FRAMES_PER_TURN * frameBytes,
    get isSaturated() {
      return carrier.writableNeedsDrain
    },
    get sentBytes() {
      return sentBytes
    },
    noteSent(bytes) {
      sentBytes += bytes
    },
    request(turn) {
      if (turns.size === 0 && !carrier.writableNeedsDrain) turn()
      else turns.add(turn)
    },
    withdraw(turn) {
      turns.delete(turn)
    },
  }
}
