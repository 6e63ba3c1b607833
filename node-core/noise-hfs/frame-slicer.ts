/** Before every frame: the length of what follows, 16 bits, big-endian. */
export const LENGTH_BYTES = 2
/**
 * In the place of a length that no frame has (each holds a tag): the true length follows in two more bytes, and the
 * frame is authenticated and not encrypted.
 */
export const BARE_MARK = 1

/** What is done with a frame; `isBare` says that it is not encrypted. False ends the slicing. */
type OnFrame = (frame: Uint8Array, isBare: boolean) => boolean

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
   * Calls `onFrame` for every frame that is complete now, without its length. The bytes of an encrypted one are its own
   * only during the call, those of a bare one for good. It stops, and forgets the rest, when `onFrame` returns false.
   */
  push(chunk: Uint8Array, onFrame: OnFrame): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#heldBytes === 0) {
        const start = at + headBytes(chunk, at)
        const end = frameEnd(chunk, at)
        if (end !== undefined && end <= chunk.length) {
          if (!onFrame(chunk.subarray(start, end), isBareAt(chunk, at))) return
          at = end
          continue
        }
      }
      at = this.#hold(chunk, at)
      const held = this.#held.subarray(0, this.#heldBytes)
      const end = frameEnd(held, 0)
      if (end === undefined || this.#heldBytes < end) continue
      this.#heldBytes = 0
      const isBare = isBareAt(held, 0)
      // Its bytes go on as they are.
      if (isBare) this.#held = new Uint8Array(LENGTH_BYTES)
      if (!onFrame(held.subarray(headBytes(held, 0), end), isBare)) return
    }
  }

  /** Copies what belongs to the frame that has begun. Returns where it stopped. */
  #hold(chunk: Uint8Array, at: number): number {
    const held = this.#held.subarray(0, this.#heldBytes)
    const wanted = frameEnd(held, 0) ?? headBytes(held, 0)
    if (wanted > this.#held.length) {
      // Not zeroed: it is filled before anybody sees it.
      const larger = Buffer.allocUnsafeSlow(wanted)
      larger.set(held)
      this.#held = larger
    }
    const part = chunk.subarray(at, at + wanted - this.#heldBytes)
    this.#held.set(part, this.#heldBytes)
    this.#heldBytes += part.length
    return at + part.length
  }
}

const isBareAt = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === BARE_MARK >> 8 && bytes[at + 1] === (BARE_MARK & 0xff)

const headBytes = (bytes: Uint8Array, at: number): number =>
  isBareAt(bytes, at) ? 2 * LENGTH_BYTES : LENGTH_BYTES

/** Where the frame that begins at `at` ends, undefined while its length is not known. */
function frameEnd(bytes: Uint8Array, at: number): number | undefined {
  const start = at + headBytes(bytes, at)
  const [high, low] = [bytes[start - 2], bytes[start - 1]]
  return high === undefined || low === undefined ? undefined : start + ((high << 8) | low)
}
