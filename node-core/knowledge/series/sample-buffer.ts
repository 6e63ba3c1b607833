import type { Samples } from './block.ts'

/** Samples of one series that are not in a block yet. */
export interface SampleBuffer {
  readonly length: number
  push(at: number, value: number): void
  /** Takes back what was pushed last. */
  truncate(length: number): void
  /** Without a copy: valid until the next push. */
  view(from?: number, to?: number): Samples
}

const FIRST_CAPACITY = 16

export function createSampleBuffer(): SampleBuffer {
  let ats = new Float64Array(FIRST_CAPACITY)
  let values = new Float64Array(FIRST_CAPACITY)
  let length = 0
  const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
    const larger = new Float64Array(old.length * 2)
    larger.set(old)
    return larger
  }
  return {
    get length() {
      return length
    },
    push(at, value) {
      if (length === ats.length) {
        ats = grown(ats)
        values = grown(values)
      }
      ats[length] = at
      values[length] = value
      length += 1
    },
    truncate(to) {
      length = Math.min(length, to)
    },
    view: (from = 0, to = length) => ({ ats: ats.subarray(from, to), values: values.subarray(from, to) }),
  }
}
