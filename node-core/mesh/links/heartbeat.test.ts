import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { Clock } from '../../platform/clock.ts'
import { createHeartbeat } from './heartbeat.ts'

/** A clock whose timers can be held up, as by a busy or stopped process. */
function createHeldClock() {
  const manual = createManualClock()
  let heldMs = 0
  const clock: Clock = {
    now: () => manual.now() + heldMs,
    monotonicMs: () => manual.monotonicMs() + heldMs,
    after: (delayMs, fn) => manual.after(delayMs, fn),
  }
  return {
    clock,
    advance: manual.advance,
    hold(ms: number) {
      heldMs += ms
    },
  }
}

function setUp() {
  const held = createHeldClock()
  const stalls: number[] = []
  const wakes: number[] = []
  const lags: number[] = []
  const heartbeat = createHeartbeat(held.clock, 100, {
    onTick: (stalledMs, lagMs) => {
      stalls.push(stalledMs)
      lags.push(lagMs)
    },
    onWake: (sleptMs) => wakes.push(sleptMs),
  })
  heartbeat.start()
  return { ...held, stalls, wakes, lags, heartbeat }
}

describe('heartbeat', () => {
  it('ticks steadily and stops', () => {
    const { advance, stalls, wakes, heartbeat } = setUp()
    advance(1_000)
    expect(stalls).toEqual(Array.from({ length: 10 }, () => 0))
    heartbeat.stop()
    advance(1_000)
    expect(stalls).toHaveLength(10)
    expect(wakes).toEqual([])
  })

  it('tells the worst of its own lateness once', () => {
    const { advance, hold, heartbeat } = setUp()
    hold(60)
    advance(100)
    hold(20)
    advance(300)
    expect(heartbeat.takeWorstLagMs()).toBe(60)
    expect(heartbeat.takeWorstLagMs()).toBe(0)
  })

  it('tells how late it has been of late, forgets it within seconds, and never tells much', () => {
    const { advance, hold, lags } = setUp()
    hold(60)
    advance(100)
    expect(lags).toEqual([60])
    advance(3_500)
    expect(lags.at(-1)).toBeLessThan(32)
    expect(lags.at(-1)).toBeGreaterThan(28)
    advance(30_000)
    expect(lags.at(-1)).toBeLessThan(1)
    hold(9_000)
    advance(100)
    expect(lags.at(-1)).toBe(300)
  })

  it('tells how long the process did not run', () => {
    const { advance, hold, stalls, wakes } = setUp()
    hold(700)
    advance(100)
    expect(stalls).toEqual([700])
    hold(60)
    advance(100)
    expect(stalls).toEqual([700, 0])
    expect(wakes).toEqual([])
    hold(9_000)
    advance(100)
    expect(wakes).toEqual([9_000])
  })
})
