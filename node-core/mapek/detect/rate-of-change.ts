import type { Detector } from './detector.ts'

export interface RateOptions {
  /** Units per second, up or down, that make an alarm. */
  readonly perSecond: number
  /** The rate is taken over at least so long: two samples close together say little. Default 1 s. */
  readonly overMs?: number
}

/** How fast a value moves. The score is the rate over twice that which makes an alarm. */
export function createRateOfChange({ perSecond, overMs = 1_000 }: RateOptions): Detector {
  let [fromAt, fromValue] = [Number.NaN, Number.NaN]
  let score = 0
  return {
    update({ at, value }) {
      if (!Number.isFinite(value)) return 0
      // The first sample, and one after the clock was put back.
      if (!(at >= fromAt)) {
        fromAt = at
        fromValue = value
        return 0
      }
      if (at - fromAt < overMs) return score
      const rate = Math.abs(value - fromValue) / ((at - fromAt) / 1_000)
      score = Math.min(1, rate / (2 * perSecond))
      fromAt = at
      fromValue = value
      return score
    },
  }
}
