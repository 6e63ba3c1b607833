/** Before every frame: the length of what follows, 16 bits, big-endian. */
export const LENGTH_BYTES = 2

/**
 * Cuts what a socket delivers into frames, each in one piece: a frame that lies whole in a chunk is a view of it, one
 * that is spread over several is copied together. Handing the pieces to the cipher as they come would cost more than
 * the copy: each is a call, an allocation and later a part of a write of its own.
 */
export class FrameSlicer {
  /** Grows to the largest frame that came in pieces, so that idle connections hold next to nothing. */
  #held = new Uint8Array(LENGTH_BYTES)
  #heldBytes = 0

  /**
   * Calls `onFrame` for every frame that is complete now, without its length. The bytes are its own only during the
   * call. It stops, and forgets the rest, when `onFrame` returns false.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => boolean): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#heldBytes === 0) {
        const end = frameEnd(chunk, at)
        if (end !== undefined && end <= chunk.length) {
          if (!onFrame(chunk.subarray(at + LENGTH_BYTES, end))) return
          at = end
          continue
        }
      }
      at = this.#hold(chunk, at)
      const end = frameEnd(this.#held.subarray(0, this.#heldBytes), 0)
      if (end === undefined || this.#heldBytes < end) continue
      this.#heldBytes = 0
      if (!onFrame(this.#held.subarray(LENGTH_BYTES, end))) return
    }
  }

  /** Copies what belongs to the frame that has begun. Returns where it stopped. */
  #hold(chunk: Uint8Array, at: number): number {
    const end = frameEnd(this.#held.subarray(0, this.#heldBytes), 0)
    const wanted = end ?? LENGTH_BYTES
    if (wanted > this.#held.length) {
      const larger = new Uint8Array(wanted)
      larger.set(this.#held.subarray(0, this.#heldBytes))
      this.#held = larger
    }
    const part = chunk.subarray(at, at + wanted - this.#heldBytes)
    this.#held.set(part, this.#heldBytes)
    this.#heldBytes += part.length
    return at + part.length
  }
}

/** Where the frame that begins at `at` ends, undefined while its length is not known. */
function frameEnd(bytes: Uint8Array, at: number): number | undefined {
  const [high, low] = [bytes[at], bytes[at + 1]]
  return high === undefined || low === undefined ? undefined : at + LENGTH_BYTES + ((high << 8) | low)
}
