/**
 * Delivered bytes that the application has not asked for yet. Large pieces are kept as views; small ones, and views of
 * much larger memory, are copied together into blocks: what is held is about what was received, however it was cut.
 */
export interface Inbox {
  readonly sizeBytes: number
  add(piece: Uint8Array): void
  /** The next block, or undefined when there is none. */
  take(): Uint8Array | undefined
  clear(): void
}

const BLOCK_BYTES = 64 * 1024
const SMALL_BYTES = 4 * 1024
/** A view may keep this many times its own size alive. */
const MAX_OVERHEAD = 4

export function createInbox(): Inbox {
  let queue: Uint8Array[] = []
  let head = 0
  let block = new Uint8Array(0)
  let filled = 0
  let sizeBytes = 0

  const closeBlock = (): void => {
    if (filled === 0) return
    queue.push(block.subarray(0, filled))
    block = block.subarray(filled)
    filled = 0
  }
  const copy = (piece: Uint8Array): void => {
    for (let at = 0; at < piece.length; ) {
      if (filled === block.length) {
        closeBlock()
        block = new Uint8Array(BLOCK_BYTES)
      }
      const part = piece.subarray(at, at + block.length - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
    }
  }
  const isCostly = (piece: Uint8Array): boolean =>
    piece.length < SMALL_BYTES || piece.buffer.byteLength > piece.length * MAX_OVERHEAD

  return {
    get sizeBytes() {
      return sizeBytes
    },
    add(piece) {
      sizeBytes += piece.length
      if (isCostly(piece)) {
        copy(piece)
        return
      }
      closeBlock()
      queue.push(piece)
    },
    take() {
      if (head === queue.length) closeBlock()
      const next = queue[head]
      if (next === undefined) return undefined
      head++
      if (head > 64 && head * 2 > queue.length) {
        queue = queue.slice(head)
        head = 0
      }
      sizeBytes -= next.length
      return next
    },
    clear() {
      queue = []
      head = 0
      block = new Uint8Array(0)
      filled = 0
      sizeBytes = 0
    },
  }
}
