/**
 * What was written and is not yet acknowledged: a queue of chunks by their offset in the byte stream. Chunks are kept
 * as they were given, without a copy, until all of their bytes are acknowledged; small ones are gathered in blocks, so
 * that a writer of single bytes costs no more than its bytes.
 */
export interface SendBuffer {
  /** Offset of the first byte that is not acknowledged. */
  readonly start: number
  /** Offset behind the last byte that was written. */
  readonly end: number
  push(chunk: Uint8Array): void
  /** Forgets all below `offset`. */
  release(offset: number): void
  /** Up to `limit` bytes from `offset`, which must lie between start and end; never across two chunks. */
  slice(offset: number, limit: number): Uint8Array
  clear(): void
}

interface Chunk {
  readonly offset: number
  readonly bytes: Uint8Array
  /** Bytes in use, from the first on. */
  length: number
}

const SMALL_BYTES = 2 * 1024
const BLOCK_BYTES = 16 * 1024

export function createSendBuffer(): SendBuffer {
  let chunks: (Chunk | undefined)[] = []
  let head = 0
  let start = 0
  let end = 0
  // Readers go forward chunk by chunk: looking where the last one stood finds the next at once.
  let hint = 0

  function find(offset: number): Chunk | undefined {
    let index = hint
    const at = chunks[index]
    if (index < head || at === undefined || at.offset > offset) index = head
    for (; index < chunks.length; index++) {
      const chunk = chunks[index]
      if (chunk !== undefined && offset < chunk.offset + chunk.length) {
        hint = index
        return chunk
      }
    }
    return undefined
  }
  /** Views of what stands in a block already stay as they are: bytes are only ever added behind them. */
  function gather(bytes: Uint8Array): void {
    let block = head < chunks.length ? chunks.at(-1) : undefined
    // A chunk that was given is full: its own length is all of it.
    if (block === undefined || block.bytes.length - block.length < bytes.length) {
      block = { offset: end, bytes: new Uint8Array(BLOCK_BYTES), length: 0 }
      chunks.push(block)
    }
    block.bytes.set(bytes, block.length)
    block.length += bytes.length
  }

  return {
    get start() {
      return start
    },
    get end() {
      return end
    },
    push(bytes) {
      if (bytes.length === 0) return
      // A first small write goes out as it is: gathering pays only behind others that wait.
      if (bytes.length < SMALL_BYTES && end > start) gather(bytes)
      else chunks.push({ offset: end, bytes, length: bytes.length })
      end += bytes.length
    },
    release(offset) {
      start = Math.min(Math.max(start, offset), end)
      for (let chunk = chunks[head]; chunk !== undefined && chunk.offset + chunk.length <= start; ) {
        // Or its bytes would stay until the head is dropped, long enough to count as old to the garbage collector.
        chunks[head] = undefined
        head++
        chunk = chunks[head]
      }
      // Dropping the head now and then, not each time: an array's shift costs its length.
      if (head > 64 && head * 2 > chunks.length) {
        chunks = chunks.slice(head)
        hint = Math.max(0, hint - head)
        head = 0
      }
    },
    slice(offset, limit) {
      const chunk = find(offset)
      if (chunk === undefined) return new Uint8Array(0)
      const from = offset - chunk.offset
      return chunk.bytes.subarray(from, Math.min(chunk.length, from + limit))
    },
    clear() {
      chunks = []
      head = 0
      hint = 0
      start = end
    },
  }
}
