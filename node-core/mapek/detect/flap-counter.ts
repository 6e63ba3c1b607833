import type { Detector } from './detector.ts'

export interface FlapOptions {
  /** Changes of the value within `windowMs` that make an alarm. */
  readonly changes: number
  readonly windowMs: number
}

/** Counts how often a state changes. The score is changes in the window over twice those that make an alarm. */
export function createFlapCounter({ changes, windowMs }: FlapOptions): Detector {
  const kept = 2 * changes
  const times: number[] = []
  let last: number | undefined
  return {
    update({ at, value }) {
      if (Number.isFinite(value)) {
        if (last !== undefined && value !== last) times.push(at)
        last = value
      }
      while (times.length > kept || (times[0] ?? at) < at - windowMs) times.shift()
      return Math.min(1, times.length / kept)
    },
  }
}
