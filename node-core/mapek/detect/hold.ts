/** After a peak, what is lower is shown at this share. */
const HELD_SHARE = 0.5
/** A peak holds for a share of the series so far, within bounds: half of it is forgotten in so many samples. */
const HALF_LIFE_SHARE = 0.05
const HALF_LIFE_MIN = 10
const HALF_LIFE_MAX = 250
const HELD_FROM = 2

/**
 * One event is one alarm: after a peak only what is stranger still is shown in full, until the peak is forgotten.
 */
export interface Hold {
  readonly isHeld: boolean
  show(surprise: number): number
}

export function createHold(): Hold {
  let level = 0
  let count = 0
  return {
    get isHeld() {
      return level > HELD_FROM
    },
    show(surprise) {
      count += 1
      const halfLife = Math.min(HALF_LIFE_MAX, Math.max(HALF_LIFE_MIN, count * HALF_LIFE_SHARE))
      level *= 0.5 ** (1 / halfLife)
      if (surprise >= level) {
        level = surprise
        return surprise
      }
      return level > HELD_FROM ? surprise * HELD_SHARE : surprise
    },
  }
}
