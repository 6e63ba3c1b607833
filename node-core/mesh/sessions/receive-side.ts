/** What one end has of the other's bytes, and what it lets the other send. */
export interface ReceiveSide {
  /** Bytes delivered so far. */
  readonly received: number
  /** The other end's stream has ended, and all of it was delivered. */
  readonly isComplete: boolean
  /** The part of `payload` that is new, empty when none is; undefined when no honest peer would send this. */
  take(offset: number, payload: Uint8Array): Uint8Array | undefined
  /** False when no honest peer would send this. */
  end(offset: number): boolean
  /** Looks whether the last byte is there. True the first time that it is. */
  completes(): boolean
  /** The application is done with so many bytes. True when it is worth telling the other end. */
  consumed(sizeBytes: number): boolean
  /** What the other end is told; it may send up to the credit from then on. */
  position(): Position
}

export interface Position {
  /** All below has arrived; a FIN counts as one byte. */
  readonly received: number
  readonly credit: number
}

export interface WindowOptions {
  /** Bytes that the other end may send ahead of what the application took. */
  readonly windowBytes: number
  /** Asked when the window held the other end back: how many bytes to add to it, 0 for none. */
  moreWindow(windowBytes: number): number
}

/** Up to here a window grows for an application that has not begun to read, too. */
const EAGER_WINDOW_BYTES = 256 * 1024
/** A grant costs a frame: the window is granted in parts of this size. */
const GRANT_SHARE = 1 / 4

export function createReceiveSide({ windowBytes, moreWindow }: WindowOptions): ReceiveSide {
  let received = 0
  let consumed = 0
  let window = windowBytes
  let granted = windowBytes
  let finOffset: number | undefined
  let isComplete = false

  return {
    get received() {
      return received
    },
    get isComplete() {
      return isComplete
    },
    take(offset, payload) {
      const end = offset + payload.length
      // A lane leaves out only what was acknowledged: bytes that would leave a gap come from no honest peer.
      if (offset > received || end > granted || (finOffset !== undefined && end > finOffset)) return undefined
      // Several carriers may bring the same bytes: the first delivery wins.
      const fresh = payload.subarray(Math.min(payload.length, received - offset))
      received += fresh.length
      return fresh
    },
    end(offset) {
      if (offset < received || (finOffset !== undefined && finOffset !== offset)) return false
      finOffset = offset
      return true
    },
    completes() {
      if (isComplete || finOffset !== received) return false
      isComplete = true
      return true
    },
    consumed(sizeBytes) {
      consumed += sizeBytes
      return consumed + window - granted >= window * GRANT_SHARE
    },
    position() {
      const isUsedUp = received > granted - window / 2
      const keepsUp = received - consumed <= window / 4
      // The other end might have sent more if it had been allowed to.
      if (isUsedUp && (keepsUp || window < EAGER_WINDOW_BYTES)) window += moreWindow(window)
      granted = Math.max(granted, consumed + window)
      return { received: received + (isComplete ? 1 : 0), credit: granted }
    },
  }
}
