import { beforeEach, describe, expect, it } from 'vitest'
import { createManualClock, type ManualClock } from '../../tests/helpers/manual-clock.ts'
import { createClockFloor } from './clock-floor.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'

const START_MS = 1_767_225_600_000
const YEAR_MS = 366 * 86_400_000
let clock: ManualClock

beforeEach(() => {
  clock = createManualClock(START_MS)
})

describe('the clock floor', () => {
  it('is the newest of what was persisted, what was signed and what the clock showed', () => {
    const floor = createClockFloor({ clock }, START_MS - 10)
    expect(floor.floorMs()).toBe(START_MS - 10)
    floor.observe(START_MS + 5, 'member')
    expect(floor.floorMs()).toBe(START_MS + 5)
    clock.advance(100)
    expect(floor.check()).toEqual({ kind: 'ok' })
    expect(floor.floorMs()).toBe(START_MS + 100)
    floor.observe(START_MS, 'authority')
    expect(floor.floorMs()).toBe(START_MS + 100)
  })

  it('finds a clock that was set back, also over a restart', () => {
    const floor = createClockFloor({ clock }, 0)
    floor.check()
    clock.setWall(START_MS - YEAR_MS)
    expect(floor.check()).toEqual({ kind: 'behind', byMs: YEAR_MS })
    const next = createClockFloor({ clock }, floor.floorMs())
    expect(next.check()).toEqual({ kind: 'behind', byMs: YEAR_MS })
    clock.setWall(START_MS)
    expect(next.check()).toEqual({ kind: 'ok' })
  })

  it('finds a clock that runs behind what the authority has signed', () => {
    const floor = createClockFloor({ clock }, 0)
    floor.observe(START_MS + YEAR_MS, 'authority')
    expect(floor.check()).toEqual({ kind: 'behind', byMs: YEAR_MS })
  })

  it('is not stopped from issuing by one member whose clock is ahead', () => {
    const floor = createClockFloor({ clock }, 0)
    floor.observe(START_MS + YEAR_MS, 'member')
    expect(floor.floorMs()).toBe(START_MS + MAX_CLOCK_SKEW_MS)
    expect(floor.check()).toEqual({ kind: 'ok' })
  })

  it('ignores what is no time', () => {
    const floor = createClockFloor({ clock }, 7)
    floor.observe(Number.NaN, 'authority')
    floor.observe(Number.POSITIVE_INFINITY, 'authority')
    expect(floor.floorMs()).toBe(7)
  })
})
