/**
 * Puts what arrives over several carriers back in order: each byte is delivered once, the first delivery wins. What
 * arrived ahead of a gap waits; it is bounded by the credit that was granted.
 */
export interface ReceiveBuffer {
  /** Offset of the next byte to deliver. */
  readonly next: number
  /** Bytes that wait behind a gap. */
  readonly waitingBytes: number
  /** Takes a chunk and delivers whatever is in order now. */
  push(offset: number, payload: Uint8Array): void
  clear(): void
}

export function createReceiveBuffer(deliver: (payload: Uint8Array) => void): ReceiveBuffer {
  let next = 0
  let waitingBytes = 0
  // By offset. Chunks may overlap, because each carrier cuts the stream as it goes.
  const waiting = new Map<number, Uint8Array>()

  function accept(offset: number, payload: Uint8Array): boolean {
    if (offset > next) return false
    const fresh = payload.subarray(next - offset)
    if (fresh.length > 0) {
      next += fresh.length
      deliver(fresh)
    }
    return true
  }

  function drainWaiting(): void {
    for (let found = true; found && waiting.size > 0; ) {
      found = false
      for (const [offset, payload] of waiting) {
        if (offset > next) continue
        waiting.delete(offset)
        waitingBytes -= payload.length
        accept(offset, payload)
        found = true
      }
    }
  }

  return {
    get next() {
      return next
    },
    get waitingBytes() {
      return waitingBytes
    },
    push(offset, payload) {
      if (accept(offset, payload)) {
        drainWaiting()
        return
      }
      const held = waiting.get(offset)
      if (held !== undefined && held.length >= payload.length) return
      waitingBytes += payload.length - (held?.length ?? 0)
      waiting.set(offset, payload)
    },
    clear() {
      waiting.clear()
      waitingBytes = 0
    },
  }
}
