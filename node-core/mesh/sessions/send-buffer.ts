/**
 * What was written and is not yet acknowledged: a queue of chunks by their offset in the byte stream. Chunks are kept
 * as they were given, without a copy, until all of their bytes are acknowledged.
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
}

export function createSendBuffer(): SendBuffer {
  let chunks: Chunk[] = []
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
      if (chunk !== undefined && offset < chunk.offset + chunk.bytes.length) {
        hint = index
        return chunk
      }
    }
    return undefined
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
      chunks.push({ offset: end, bytes })
      end += bytes.length
    },
    release(offset) {
      start = Math.min(Math.max(start, offset), end)
      for (let chunk = chunks[head]; chunk !== undefined && chunk.offset + chunk.bytes.length <= start; ) {
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
      return chunk.bytes.subarray(from, Math.min(chunk.bytes.length, from + limit))
    },
    clear() {
      chunks = []
      head = 0
      hint = 0
      start = end
    },
  }
}
