import { findPeriod } from './period-finder.ts'
import { createRing, createRunningMean, type Ring } from './running.ts'

/** What the next value should be, by what the series has done so far. */
export interface Forecast {
  /** Of the sample to come, before it is learned. NaN while there is nothing to go by. */
  readonly expected: number
  /** The seasonal part of it; 0 where the series has no season that helps. */
  readonly seasonal: number
  /** Without the short-lived part: what the season, or a slow mean, makes of it. */
  readonly steady: number
  learn(value: number, at: number): void
}

export interface ForecastOptions {
  /** So many past values are kept. */
  readonly history: number
}

/** Experts from this one on look past what is short-lived: the slow mean, then the seasons. */
const SLOW = 4
const SEASONAL = 5

interface Expert {
  prediction: number
  /** Mean absolute error, forgetting over ERROR_SPAN samples. */
  error: number
}

const ERROR_SPAN = 300
const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS
/** So many past seasons are asked. */
const SEASONS = 6
/** A season has to beat the slow mean by so much before it is taken out. */
const SEASON_GAIN = 0.85
/** Samples between two searches for a season. */
const SEARCH_EVERY = 2_048

/**
 * Several simple forecasters (the last value, means of several lengths, the same moment of past days, weeks and of the
 * period found in the data), weighted by how well each of them did lately.
 */
export function createForecast({ history }: ForecastOptions): Forecast {
  const ring = createRing(history)
  const means = [createRunningMean(4), createRunningMean(16), createRunningMean(96)]
  const experts: Expert[] = Array.from({ length: SEASONAL + 3 }, () => ({ prediction: Number.NaN, error: 0 }))
  const levels = [createRunningMean(24), createRunningMean(24), createRunningMean(24)]
  const seasons = [Number.NaN, Number.NaN, Number.NaN]
  /** A day, a week and what was found in the data, in samples; 0 for none. */
  const periods = [0, 0, 0]
  const rhythm = createRhythm()
  let nextSearch = 64
  let count = 0
  let expected = Number.NaN
  let seasonal = 0
  let steady = Number.NaN

  const predict = (): void => {
    const last = ring.at(0)
    set(experts, 0, last)
    set(experts, 1, last + (last - ring.at(1)) * 0.5)
    for (let index = 0; index < means.length; index += 1) set(experts, 2 + index, means[index]?.value ?? 0)
    periods[0] = rhythm.samplesIn(DAY_MS)
    periods[1] = rhythm.samplesIn(WEEK_MS)
    for (let index = 0; index < periods.length; index += 1) {
      const season = sameMomentBefore(ring, periods[index] ?? 0)
      seasons[index] = season
      set(experts, SEASONAL + index, season + (levels[index]?.value ?? 0))
    }
    expected = weighted(experts)
    seasonal = seasonalPart(experts, seasons)
    steady = bestOf(experts, SLOW)
  }

  return {
    get expected() {
      return expected
    },
    get seasonal() {
      return seasonal
    },
    get steady() {
      return steady
    },
    learn(value, at) {
      count += 1
      rhythm.learn(at)
      for (const expert of experts) {
        if (Number.isNaN(expert.prediction)) continue
        const error = Math.abs(value - expert.prediction)
        // One wild value says little about who forecasts well.
        const clipped = count > 50 && expert.error > 0 ? Math.min(error, 5 * expert.error) : error
        expert.error += (clipped - expert.error) / Math.min(count, ERROR_SPAN)
      }
      for (let index = 0; index < seasons.length; index += 1) {
        const season = seasons[index] ?? Number.NaN
        if (!Number.isNaN(season)) levels[index]?.add(value - season)
      }
      ring.push(value)
      for (const mean of means) mean.add(value)
      if (count >= nextSearch) {
        nextSearch = count + Math.min(SEARCH_EVERY, Math.max(64, Math.floor(count / 2)))
        periods[2] = findPeriod(ring) ?? 0
      }
      predict()
    },
  }
}

const set = (experts: readonly Expert[], index: number, prediction: number): void => {
  const expert = experts[index]
  if (expert !== undefined) expert.prediction = prediction
}

/** Weights are the inverse of the error to the sixth: nearly the best alone, without jumps between equals. */
function weighted(experts: readonly Expert[]): number {
  let best = Number.POSITIVE_INFINITY
  for (const { prediction, error } of experts) if (!Number.isNaN(prediction) && error < best) best = error
  let sum = 0
  let weights = 0
  for (const { prediction, error } of experts) {
    if (Number.isNaN(prediction)) continue
    const ratio = (best + 1e-12) / (error + 1e-12)
    const weight = ratio * ratio * ratio * ratio * ratio * ratio
    sum += prediction * weight
    weights += weight
  }
  return weights > 0 ? sum / weights : Number.NaN
}

function bestOf(experts: readonly Expert[], from: number): number {
  let best = Number.POSITIVE_INFINITY
  let prediction = Number.NaN
  for (let index = from; index < experts.length; index += 1) {
    const expert = experts[index]
    if (expert === undefined || Number.isNaN(expert.prediction) || expert.error >= best) continue
    best = expert.error
    prediction = expert.prediction
  }
  return prediction
}

/** Of the season that does best, if it does clearly better than the slow mean. */
function seasonalPart(experts: readonly Expert[], seasons: readonly number[]): number {
  let best = (experts[SLOW]?.error ?? 0) * SEASON_GAIN
  let part = 0
  for (let index = 0; index < seasons.length; index += 1) {
    const season = seasons[index] ?? Number.NaN
    const error = experts[SEASONAL + index]?.error ?? 0
    if (Number.isNaN(season) || error >= best) continue
    best = error
    part = season
  }
  return part
}

const scratch = new Float64Array(SEASONS)

/** The median over the past seasons of the mean of three values around the same moment. NaN without one season. */
function sameMomentBefore(ring: Ring, period: number): number {
  if (period === 0) return Number.NaN
  let n = 0
  for (let k = 1; k <= SEASONS; k += 1) {
    const age = k * period - 1
    if (age + 1 >= ring.length) break
    const value = (ring.at(age - 1) + ring.at(age) + ring.at(age + 1)) / 3
    let at = n
    for (; at > 0 && (scratch[at - 1] ?? 0) > value; at -= 1) scratch[at] = scratch[at - 1] ?? 0
    scratch[at] = value
    n += 1
  }
  if (n === 0) return Number.NaN
  const middle = n >> 1
  return n % 2 === 1 ? (scratch[middle] ?? 0) : ((scratch[middle - 1] ?? 0) + (scratch[middle] ?? 0)) / 2
}

/** How far apart the samples usually are, and how many make up a span of time: 0 where that can't be said. */
function createRhythm(): { learn(at: number): void; samplesIn(ms: number): number } {
  let last = Number.NaN
  let step = 0
  let agreeing = 0
  return {
    learn(at) {
      const gap = at - last
      last = at
      if (!(gap > 0)) return
      if (Math.abs(gap - step) <= step * 0.02) {
        agreeing = Math.min(agreeing + 1, 64)
        return
      }
      agreeing -= 1
      if (agreeing <= 0) {
        step = gap
        agreeing = 1
      }
    },
    samplesIn(ms) {
      if (agreeing < 8) return 0
      const samples = Math.round(ms / step)
      return samples >= 8 ? samples : 0
    },
  }
}
