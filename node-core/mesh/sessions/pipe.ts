/**
 * How much a writer may have outstanding: enough to fill the path, and little more. Bytes beyond that only wait in queues,
 * where they keep memory and delay what is written behind them.
 */
export interface Pipe {
  /** So many bytes were acknowledged. `leastRttMs` is the shortest round trip seen on the path, if any. */
  acknowledged(sizeBytes: number, nowMs: number, leastRttMs: number | undefined): void
  /** Written and unacknowledged bytes above which the writer waits. */
  readonly roomBytes: number
}

export const MIN_ROOM_BYTES = 1024 * 1024
export const MAX_ROOM_BYTES = 4 * 1024 * 1024
/** Twice what the path holds, so that a writer that could be faster shows it. */
const HEADROOM = 2
const MIN_ROUND_MS = 20
/** What is kept of the room when a round was slower: pauses of the application are no news of the path. */
const KEPT = 7 / 8

/** The bandwidth-delay product, from what is acknowledged in rounds of at least one round trip. */
export function createPipe(): Pipe {
  let roomBytes = MIN_ROOM_BYTES
  let roundBytes = 0
  let roundSinceMs: number | undefined
  return {
    get roomBytes() {
      return roomBytes
    },
    acknowledged(sizeBytes, nowMs, leastRttMs = 0) {
      roundSinceMs ??= nowMs
      roundBytes += sizeBytes
      const elapsedMs = nowMs - roundSinceMs
      if (elapsedMs < Math.max(MIN_ROUND_MS, leastRttMs)) return
      const heldBytes = (roundBytes / elapsedMs) * leastRttMs
      const wanted = Math.max(HEADROOM * heldBytes, KEPT * roomBytes)
      roomBytes = Math.min(MAX_ROOM_BYTES, Math.max(MIN_ROOM_BYTES, wanted))
      roundBytes = 0
      roundSinceMs = nowMs
    },
  }
}
