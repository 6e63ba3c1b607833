import type { Batch } from './open-samples.ts'

/** Samples on their way to the store: what the hot path writes into. */
export interface PendingSamples {
  readonly length: number
  /** Since the start. */
  readonly dropped: number
  add(series: number, at: number, value: number): void
  /** All of them, and nothing is left. */
  take(): Batch
  /** Puts back what could not be written, before what came since; the oldest that have no room are dropped. */
  putBack(batch: Batch): void
}

const FIRST_CAPACITY = 512

export function createPendingSamples(maxSamples: number): PendingSamples {
  let series = new Int32Array(FIRST_CAPACITY)
  let ats = new Float64Array(FIRST_CAPACITY)
  let values = new Float64Array(FIRST_CAPACITY)
  let length = 0
  let dropped = 0

  const grow = (capacity: number): void => {
    const [oldSeries, oldAts, oldValues] = [series, ats, values]
    series = new Int32Array(capacity)
    ats = new Float64Array(capacity)
    values = new Float64Array(capacity)
    series.set(oldSeries.subarray(0, length))
    ats.set(oldAts.subarray(0, length))
    values.set(oldValues.subarray(0, length))
  }
  /** Keeps the newest. */
  const dropOldest = (count: number): void => {
    for (const column of [series, ats, values]) column.copyWithin(0, count, length)
    length -= count
    dropped += count
  }
  const take = (): Batch => {
    const batch = {
      series: series.slice(0, length),
      ats: ats.slice(0, length),
      values: values.slice(0, length),
    }
    length = 0
    return batch
  }
  return {
    get length() {
      return length
    },
    get dropped() {
      return dropped
    },
    add(id, at, value) {
      if (length === series.length) {
        if (length >= maxSamples) dropOldest(Math.ceil(maxSamples / 8))
        else grow(Math.min(maxSamples, length * 2))
      }
      series[length] = id
      ats[length] = at
      values[length] = value
      length += 1
    },
    take,
    putBack(batch) {
      const since = take()
      const room = maxSamples - since.ats.length
      const from = Math.max(0, batch.ats.length - room)
      dropped += from
      const total = batch.ats.length - from + since.ats.length
      if (total > series.length) grow(total)
      const join = <T extends Int32Array | Float64Array>(target: T, old: T, fresh: T): void => {
        target.set(old.subarray(from))
        target.set(fresh, old.length - from)
      }
      join(series, batch.series, since.series)
      join(ats, batch.ats, since.ats)
      join(values, batch.values, since.values)
      length = total
    },
  }
}
