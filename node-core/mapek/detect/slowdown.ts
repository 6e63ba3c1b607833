import type { Detector } from './detector.ts'

export interface SlowdownOptions {
  /** What was usual before, in any order; the detector goes on from there. */
  readonly past?: readonly number[]
  /** So many samples in a row have to say so, either way. Default 2. */
  readonly samples?: number
}

/** Fewer say nothing of what is usual. */
const LEAST = 5
const KEPT = 120
/** Slow is several times the median, by more than scheduling adds, and beyond what the series does anyway. */
const TIMES = 3
const EXTRA = 50
const DEVIATIONS = 8
/** And until it is back here it stays slow. */
const BACK = 0.6

const medianOf = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
const ordered = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b)

/**
 * A time in milliseconds that has become several times what it usually is. What is usual is a median with its absolute
 * deviation, so that a few slow ones in the past do not hide the next, and slow samples are not learned while they last.
 * Scores 0 or 1.
 */
export function createSlowdown({ past = [], samples = 2 }: SlowdownOptions = {}): Detector & {
  readonly usual: number | undefined
} {
  const usual = past.filter(Number.isFinite).slice(-KEPT)
  let isOn = false
  let run = 0
  const limit = (): number | undefined => {
    if (usual.length < LEAST) return undefined
    const median = medianOf(ordered(usual))
    const deviation = medianOf(ordered(usual.map((value) => Math.abs(value - median))))
    return Math.max(TIMES * median + EXTRA, median + DEVIATIONS * deviation)
  }
  return {
    get usual() {
      return usual.length < LEAST ? undefined : medianOf(ordered(usual))
    },
    update({ value }) {
      if (!Number.isFinite(value)) return isOn ? 1 : 0
      const enter = limit()
      const isSlow = enter !== undefined && value >= (isOn ? BACK * enter : enter)
      run = isSlow === isOn ? 0 : run + 1
      if (run >= samples) {
        isOn = !isOn
        run = 0
      }
      if (!isSlow && !isOn) {
        usual.push(value)
        if (usual.length > KEPT) usual.shift()
      }
      return isOn ? 1 : 0
    },
  }
}
