/** Bins of an eighth of an octave from 2^-4 to 2^12, for a statistic whose usual size is about 1. */
const BINS_PER_OCTAVE = 8
const LOWEST_OCTAVE = -4
const BINS = 128
/** Old counts are halved whenever so many have come together: what was long ago weighs less. */
const HALVE_AT = 6_000
/** The tail is fitted anew every so many samples. */
const REFIT_EVERY = 32
/** The tail begins where one in so many is above. */
const TAIL_SHARE = 0.06
/** Bounds on the shape of the tail: an exponential at least, and no heavier than the moments can tell. */
const SHAPE_MIN = 0.02
const SHAPE_MAX = 0.45

/**
 * Learns how a statistic is distributed and says how surprising a value is: -log10 of the share of values at least as
 * large. Beyond what has been seen it extrapolates with a generalised Pareto tail (Pickands 1975; fitted by moments,
 * Hosking and Wallis 1987), so that ten times the largest value ever is more surprising than the largest value ever, and
 * less so in a series with heavy tails.
 */
export interface TailModel {
  /** How surprising it is. Below about 1 it is exact enough to be called 0. */
  surprise(value: number): number
  learn(value: number, weight?: number): void
}

const CENTRES = Float64Array.from(
  { length: BINS },
  (_, bin) => 2 ** (LOWEST_OCTAVE + (bin + 0.5) / BINS_PER_OCTAVE),
)

const binOf = (value: number): number => {
  if (!(value > 2 ** LOWEST_OCTAVE)) return 0
  return Math.min(BINS - 1, Math.floor((Math.log2(value) - LOWEST_OCTAVE) * BINS_PER_OCTAVE))
}

export function createTailModel(): TailModel {
  const counts = new Float32Array(BINS)
  let total = 0
  let sinceFit = 0
  let tail = { from: Number.POSITIVE_INFINITY, share: 1, shape: SHAPE_MIN, size: 1 }

  const refit = (): void => {
    sinceFit = 0
    let bin = BINS - 1
    let above = 0
    while (bin > 0 && above + (counts[bin] ?? 0) < total * TAIL_SHARE) above += counts[bin--] ?? 0
    const from = 2 ** (LOWEST_OCTAVE + (bin + 1) / BINS_PER_OCTAVE)
    let first = 0
    let second = 0
    for (let at = bin + 1; at < BINS; at += 1) {
      const excess = (CENTRES[at] ?? 0) - from
      first += (counts[at] ?? 0) * excess
      second += (counts[at] ?? 0) * excess ** 2
    }
    // One imagined excess of a quarter of the threshold keeps an empty tail from having no width at all.
    const mean = (first + from / 4) / (above + 1)
    const variance = Math.max(1e-12, (second + from ** 2 / 8) / (above + 1) - mean ** 2)
    const ratio = mean ** 2 / variance
    const shape = Math.min(SHAPE_MAX, Math.max(SHAPE_MIN, 0.5 * (1 - ratio)))
    tail = { from, shape, share: (above + 0.5) / (total + 1), size: Math.max(1e-9, mean * (1 - shape)) }
  }

  return {
    surprise(value) {
      if (total < 10) return 0
      if (value <= tail.from) return 0
      const excess = (value - tail.from) / tail.size
      const log = Math.log1p(tail.shape * excess) / tail.shape / Math.LN10 - Math.log10(tail.share)
      // So many samples cannot bear witness to something much rarer than one in their number.
      return Math.min(log, Math.log10(total) * 2 + 1)
    },
    learn(value, weight = 1) {
      const bin = binOf(value)
      counts[bin] = (counts[bin] ?? 0) + weight
      total += weight
      if (total > HALVE_AT) {
        total /= 2
        for (let at = 0; at < BINS; at += 1) counts[at] = (counts[at] ?? 0) / 2
      }
      sinceFit += 1
      if (sinceFit >= REFIT_EVERY || total < 40) refit()
    },
  }
}
