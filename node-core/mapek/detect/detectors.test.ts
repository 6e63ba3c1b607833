import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRng } from '../../../tests/eval/synthetic-series.ts'
import { createAbsence } from './absence.ts'
import { createChangePoint } from './change-point.ts'
import { ALARM_SCORE, type Detector, scoreOf } from './detector.ts'
import { createFlapCounter } from './flap-counter.ts'
import { createRateOfChange } from './rate-of-change.ts'
import { createRobustZ } from './robust-z.ts'
import { createSeriesDetector } from './series-detector.ts'
import { createSlowdown } from './slowdown.ts'
import { createThreshold } from './threshold.ts'

const ALL: Readonly<Record<string, () => Detector>> = {
  threshold: () => createThreshold({ enter: 10, leave: 5, samples: 2 }),
  changePoint: () => createChangePoint(),
  flaps: () => createFlapCounter({ changes: 3, windowMs: 10_000 }),
  rate: () => createRateOfChange({ perSecond: 1 }),
  absence: () => createAbsence({ afterMs: 5_000 }),
  robustZ: () => createRobustZ(),
  series: () => createSeriesDetector({ history: 256 }),
}
const rng = createRng(7)
const NOISE = Float64Array.from({ length: 10_000 }, () => rng.normal() / 2)
const wobble = (i: number): number => NOISE[i] ?? 0
const feed = (detector: Detector, values: readonly number[], stepMs = 1_000): number[] =>
  values.map((value, i) => detector.update({ at: i * stepMs, value }))
const series = (length: number, of: (i: number) => number): number[] =>
  Array.from({ length }, (_, i) => of(i))

describe.each(Object.entries(ALL))('any detector: %s', (_name, make) => {
  it('answers 0 to 1 whatever it is given', () => {
    const value = fc.oneof(fc.double(), fc.constantFrom(0, 1, 50), fc.integer({ min: -1_000, max: 1_000 }))
    const sample = fc.record({ at: fc.double({ noNaN: true, min: -1e15, max: 1e15 }), value })
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 200 }), (samples) => {
        const detector = make()
        for (const one of samples) {
          const score = detector.update(one)
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: 60 },
    )
  })

  it('depends on what it was given so far and on nothing else', () => {
    const values = series(300, (i) => wobble(i) * (i === 200 ? 100 : 1))
    expect(feed(make(), values).slice(0, 150)).toEqual(feed(make(), values.slice(0, 150)))
  })
})

describe('the simple detectors', () => {
  it('hold a threshold with hysteresis, upwards and downwards', () => {
    const max = createThreshold({ enter: 10, leave: 5 })
    expect(feed(max, [9, 10, 7, 5, 4])).toEqual([0, 1, 1, 1, 0])
    expect(feed(createThreshold({ enter: 10, leave: 5 }), [10, 4, 7, 10])).toEqual([1, 0, 0, 1])
    expect(feed(createThreshold({ enter: 5, leave: 10 }), [6, 5, 8, 11])).toEqual([0, 1, 1, 0])
    expect(feed(createThreshold({ enter: 10, leave: 5, samples: 2 }), [11, 1, 11, 11])).toEqual([0, 0, 0, 1])
  })

  it('see that a level has moved, learn it, and do not take one wild value for that', () => {
    const scores = feed(
      createChangePoint(),
      series(300, (i) => wobble(i) + (i >= 200 ? 5 : 0)),
    )
    expect(Math.max(...scores.slice(0, 200))).toBeLessThan(ALARM_SCORE)
    expect(scores.findIndex((score) => score >= ALARM_SCORE)).toBeLessThan(206)
    expect(Math.max(...scores.slice(230))).toBeLessThan(ALARM_SCORE)
    const spike = feed(
      createChangePoint(),
      series(300, (i) => (i === 200 ? 1e9 : wobble(i))),
    )
    expect(Math.max(...spike)).toBeLessThan(ALARM_SCORE)
  })

  it('count flaps within a window and forget them', () => {
    const flaps = createFlapCounter({ changes: 3, windowMs: 10_000 })
    expect(feed(flaps, [1, 0, 1, 0, 0])).toEqual([0, 1 / 6, 2 / 6, 0.5, 0.5])
    expect(flaps.update({ at: 60_000, value: 0 })).toBe(0)
  })

  it('tell how fast a value moves, whichever way', () => {
    expect(feed(createRateOfChange({ perSecond: 1 }), [0, 1, 3, 0])).toEqual([0, 0.5, 1, 1])
  })

  it('miss data that does not come', () => {
    const absence = createAbsence({ afterMs: 1_000 })
    expect(absence.update({ at: 0, value: 5 })).toBe(0)
    expect(absence.update({ at: 1_000, value: Number.NaN })).toBe(ALARM_SCORE)
    expect(absence.update({ at: 1_100, value: 5 })).toBe(0)
  })

  it('know the time of day', () => {
    const daily = (i: number): number => 50 + 20 * Math.sin((2 * Math.PI * i) / 24) + wobble(i)
    const scores = feed(
      createRobustZ(),
      series(400, (i) => (i === 306 ? daily(i + 12) : daily(i))),
      3_600_000,
    )
    expect(scores[306]).toBeGreaterThan(0.8)
    expect(Math.max(...scores.slice(200, 300))).toBeLessThan(ALARM_SCORE)
  })
})

describe('the detector of series', () => {
  const found = (values: readonly number[], from: number, to: number): boolean => {
    const scores = feed(createSeriesDetector(), values, 300_000)
    // The first day is new, whatever it brings.
    expect(Math.max(...scores.slice(300, from))).toBeLessThan(ALARM_SCORE)
    return Math.max(...scores.slice(from, to)) >= ALARM_SCORE
  }
  const daily = (i: number): number => 50 + 20 * Math.sin((2 * Math.PI * i) / 288) + 2 * wobble(i)

  it.each([
    ['a spike', (i: number) => (i === 1_500 ? 150 : daily(i))],
    ['a level that moves', (i: number) => daily(i) + (i >= 1_500 ? 60 : 0)],
    [
      'a day that is not like the others',
      (i: number) => (i >= 1_500 && i < 1_700 ? 50 + 2 * wobble(i) : daily(i)),
    ],
    ['a value that stands still', (i: number) => (i >= 1_500 && i < 1_650 ? 47 : daily(i))],
    ['unrest', (i: number) => daily(i) + (i >= 1_500 && i < 1_600 ? 25 * wobble(3 * i) : 0)],
  ])('finds %s', (_what, of) => {
    expect(found(series(1_900, of), 1_500, 1_760)).toBe(true)
  })

  it('says nothing of a constant, and something of what ends it', () => {
    expect(
      feed(
        createSeriesDetector(),
        series(500, () => 7),
      ).every((score) => score === 0),
    ).toBe(true)
    expect(
      found(
        series(600, (i) => (i === 550 ? 9 : 7)),
        550,
        551,
      ),
    ).toBe(true)
  })

  it('is quiet after the first alarm of one event', () => {
    const scores = feed(
      createSeriesDetector(),
      series(1_900, (i) => daily(i) + (i >= 1_500 ? 60 : 0)),
      300_000,
    )
    expect(scores.slice(1_500, 1_900).filter((score) => score >= ALARM_SCORE).length).toBeLessThan(25)
  })

  it('passes over what is no number', () => {
    const values = series(400, wobble)
    const holes = values.flatMap((value, i) => (i % 50 === 7 ? [Number.NaN, value] : [value]))
    const detector = createSeriesDetector()
    const scores = holes.map((value, i) => detector.update({ at: i, value }))
    expect(scores.filter((_, i) => Number.isNaN(holes[i])).every((score) => score === 0)).toBe(true)
  })
})

describe('scores', () => {
  it('rise with the surprise and stay within 0 and 1', () => {
    expect(scoreOf(-1)).toBe(0)
    expect(scoreOf(0)).toBe(0)
    expect(scoreOf(3.8)).toBe(ALARM_SCORE)
    expect(scoreOf(1e6)).toBeLessThanOrEqual(1)
  })
})

describe('slowdown', () => {
  it('knows what is usual from the past, wants two in a row, and is over when it is back', () => {
    const detector = createSlowdown({ past: [10, 11, 12, 10, 9] })
    const scores = [12, 400, 12, 400, 420, 380, 90, 12, 11].map((value) => detector.update({ at: 0, value }))
    expect(scores).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 0])
    expect(detector.usual).toBeLessThan(13)
  })

  it('says nothing before it knows what is usual, nor of what is no number', () => {
    const detector = createSlowdown()
    for (const value of [10, 5_000, 10, Number.NaN]) expect(detector.update({ at: 0, value })).toBe(0)
    expect(detector.usual).toBeUndefined()
  })
})
