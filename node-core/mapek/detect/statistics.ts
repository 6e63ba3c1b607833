import { createForecast } from './forecast.ts'
import { createRunningMean, createRunningScale } from './running.ts'

/** Figures that grow when a series does something unusual, each about 1 where it does not. */
export interface Statistics {
  /** Rewritten by each update. */
  readonly values: Float64Array
  update(value: number, at: number): void
}

/** How long back a usual size is remembered, in samples. */
const LONG_SPAN = 2_000
const SHIFT_SPANS = [5, 20, 80] as const
const ROUGH_SPANS = [12, 48] as const
/** What a change from never to ever counts. */
const FROM_NOTHING = 4_000

export function createStatistics(history: number): Statistics {
  const forecast = createForecast({ history })
  const residualSize = createRunningScale(LONG_SPAN)
  const steadySize = createRunningScale(LONG_SPAN)
  const place = createPlace()
  const levels = SHIFT_SPANS.map(createShift)
  const errors = SHIFT_SPANS.map(createShift)
  const roughness = ROUGH_SPANS.map(createRoughness)
  const repeats = createRepeats()
  const values = new Float64Array(4 + levels.length + errors.length + roughness.length)

  return {
    values,
    update(value, at) {
      const residual = sizeOf(value - forecast.expected)
      const off = sizeOf(value - forecast.steady)
      values[0] = ratio(residual, residualSize.value)
      values[1] = ratio(off, steadySize.value)
      residualSize.add(residual)
      steadySize.add(off)
      values[2] = place(value)
      values[3] = repeats(value)
      let slot = 4
      const level = value - forecast.seasonal
      for (const shift of levels) values[slot++] = shift(level)
      for (const shift of errors) values[slot++] = shift(off)
      for (const rough of roughness) values[slot++] = rough(value)
      forecast.learn(value, at)
    },
  }
}

const sizeOf = (difference: number): number => (Number.isNaN(difference) ? 0 : Math.abs(difference))

const ratio = (value: number, scale: number): number =>
  scale > 0 ? value / scale : value > 0 ? FROM_NOTHING : 0

/** How far from the middle of all values. */
function createPlace(): (value: number) => number {
  const centre = createRunningMean(LONG_SPAN)
  const spread = createRunningScale(LONG_SPAN)
  return (value) => {
    const middle = centre.value
    const distance = centre.count > 0 ? Math.abs(value - middle) : 0
    const place = ratio(distance, spread.value)
    spread.add(distance)
    const most = 4 * spread.value
    centre.add(centre.count > 50 ? Math.max(middle - most, Math.min(middle + most, value)) : value)
    return place
  }
}

/** How far a mean over `span` is from one over sixteen times as much, in units of how far it usually is. */
function createShift(span: number): (value: number) => number {
  const fast = createRunningMean(span)
  const slow = createRunningMean(span * 16)
  const usual = createRunningScale(LONG_SPAN)
  return (value) => {
    fast.add(value)
    const distance = Math.abs(fast.value - slow.value)
    const shift = slow.count > span * 2 ? ratio(distance, usual.value) : 0
    usual.add(distance)
    slow.add(value)
    return shift
  }
}

/** How much the steps of the last samples differ from what they usually are, in octaves: wilder or flatter. */
function createRoughness(span: number): (value: number) => number {
  const fast = createRunningMean(span)
  const usual = createRunningScale(LONG_SPAN)
  let last = Number.NaN
  return (value) => {
    const step = Math.abs(value - last)
    last = value
    if (Number.isNaN(step)) return 0
    fast.add(step)
    usual.add(step)
    if (usual.count < 24 || !(usual.value > 0)) return 0
    return Math.abs(Math.log2((fast.value + usual.value / 64) / (usual.value * (1 + 1 / 64))))
  }
}

/** How long the same value has come again and again, in units of four runs of the usual length. */
function createRepeats(): (value: number) => number {
  const usual = createRunningScale(LONG_SPAN)
  let last = Number.NaN
  let run = 0
  return (value) => {
    if (value === last) run += 1
    else {
      usual.add(1 + run)
      run = 0
      last = value
    }
    return usual.count < 24 ? 0 : run / usual.value / 4
  }
}
