import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Arrivals,
  clockOffsetMs,
  lateShare,
  NO_ARRIVALS,
  recordArrival,
  recordRoundTrip,
  type Timing,
} from './timing.ts'

/** A round trip over a way of these lengths between clocks that differ by `offsetMs`. */
const trip = (thereMs: number, backMs: number, offsetMs: number, holdMs = 400) => {
  const t1 = 1_700_000_000_000
  const t2 = t1 + thereMs + offsetMs
  const t3 = t2 + holdMs
  return { t1, t2, t3, t4: t3 - offsetMs + backMs, rttMs: thereMs + backMs }
}

describe('round trips', () => {
  it('find the other clock exactly over an even way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: -1e7, max: 1e7 }),
        (wayMs, offsetMs) => {
          expect(clockOffsetMs(recordRoundTrip(undefined, trip(wayMs, wayMs, offsetMs)))).toBeCloseTo(
            offsetMs,
            6,
          )
        },
      ),
    )
  })

  it('are wrong about the other clock by half the best round trip at most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: -5_000, max: 5_000 }),
        (ways, offsetMs) => {
          const timing = ways.reduce<Timing | undefined>(
            (known, [there, back]) => recordRoundTrip(known, trip(there, back, offsetMs)),
            undefined,
          )
          const best = Math.min(...ways.map(([there, back]) => there + back))
          expect(Math.abs(clockOffsetMs(timing as Timing) - offsetMs)).toBeLessThanOrEqual(best / 2 + 1e-6)
        },
      ),
    )
  })

  it('are smoothed: one outlier moves the estimate by an eighth', () => {
    let timing = recordRoundTrip(undefined, trip(5, 5, 0))
    for (let index = 0; index < 50; index++) timing = recordRoundTrip(timing, trip(5, 5, 0))
    expect(timing.smoothedRttMs).toBeCloseTo(10)
    timing = recordRoundTrip(timing, trip(405, 5, 0))
    expect(timing.smoothedRttMs).toBeCloseTo(60)
    expect(timing.baselineRttMs).toBeLessThan(11)
  })
})

/** Beats every 100 ms, each on the way for `delaysMs`; TCP hands none over before those sent earlier. */
function deliver(delaysMs: readonly number[], clockStepMs = 0, stepAt = -1): Arrivals {
  let arrivals = NO_ARRIVALS
  let arrivedMs = 0
  let clockMs = 50_000
  for (const [index, delayMs] of delaysMs.entries()) {
    const sentMs = index * 100
    const previousMs = arrivedMs
    arrivedMs = Math.max(arrivedMs, sentMs + delayMs)
    if (index === stepAt) clockMs += clockStepMs
    if (index === 0) continue
    arrivals = recordArrival(
      arrivals,
      { transitMs: arrivedMs - sentMs + clockMs, gapMs: arrivedMs - previousMs, intervalMs: 100 },
      { smoothedRttMs: 20, rttDeviationMs: 2 },
    )
  }
  return arrivals
}

describe('arrivals', () => {
  it('show no loss on an even way', () => {
    expect(lateShare(deliver(Array.from({ length: 60 }, (_, index) => 10 + (index % 7))))).toBe(0)
    expect(lateShare(NO_ARRIVALS)).toBe(0)
  })

  it('count a stall once, though it holds up the beats behind it', () => {
    const delays = Array.from({ length: 51 }, (_, index) => (index % 25 === 24 ? 420 : 10))
    const share = lateShare(deliver(delays))
    expect(share).toBe(2 / 50)
  })

  it('take what is slow on a slow way for slow, not for lost', () => {
    const arrival = { transitMs: 700, gapMs: 500, intervalMs: 100 }
    const first = recordArrival(NO_ARRIVALS, { ...arrival, transitMs: 200 }, undefined)
    const slow = { smoothedRttMs: 400, rttDeviationMs: 60 }
    expect(lateShare(recordArrival(first, arrival, slow))).toBe(0)
    expect(lateShare(recordArrival(first, arrival, { smoothedRttMs: 40, rttDeviationMs: 6 }))).toBe(0.5)
  })

  it('take a step of the sender clock for what it is', () => {
    const delays = Array.from({ length: 51 }, () => 10)
    expect(lateShare(deliver(delays, -3_600_000, 20))).toBe(0)
    expect(lateShare(deliver(delays, 3_600_000, 20))).toBe(0)
    expect(deliver(delays, 3_600_000, 20).jitterMs).toBeLessThan(70)
  })

  it('measure jitter as the mean change of the time on the way', () => {
    const jitter = deliver(Array.from({ length: 400 }, (_, index) => 10 + (index % 2) * 8)).jitterMs
    expect(jitter).toBeGreaterThan(7)
    expect(jitter).toBeLessThan(8.1)
  })
})
