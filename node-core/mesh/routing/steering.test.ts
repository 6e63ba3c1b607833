import { describe, expect, it } from 'vitest'
import { peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createSteering } from './steering.ts'

function setUp() {
  const clock = createManualClock()
  const state = { fine: true, changes: 0 }
  const steering = createSteering(clock, {
    isFine: () => state.fine,
    onChange: () => {
      state.changes += 1
    },
  })
  return { clock, state, steering }
}

const A = peer('A')

describe('steering', () => {
  it('makes a link the last choice and releases it by its timer', () => {
    const { clock, state, steering } = setUp()
    expect([steering.avoidLink(A, 30_000), steering.avoidLink(A, 30_000)]).toEqual([true, false])
    expect(steering.extraCostUs(A)).toBeGreaterThan(10_000_000)
    expect(steering.list()).toEqual([{ kind: 'link', peer: A, until: clock.now() + 30_000 }])
    clock.advance(29_999)
    expect(steering.list()).toHaveLength(1)
    clock.advance(1)
    expect([steering.extraCostUs(A), steering.list(), state.changes]).toEqual([0, [], 2])
  })

  it('keeps a link that is still bad for longer, but not for ever', () => {
    const { clock, state, steering } = setUp()
    state.fine = false
    steering.avoidLink(A, 1_000)
    clock.advance(20_999)
    expect(steering.list()).toHaveLength(1)
    clock.advance(1)
    expect([steering.list(), clock.timers]).toEqual([[], 0])
  })

  it('restores at once what is released', () => {
    const { clock, steering } = setUp()
    steering.avoidLink(A, 30_000)
    expect([steering.releaseLink(A), steering.releaseLink(A)]).toEqual([true, false])
    expect([steering.extraCostUs(A), clock.timers]).toEqual([0, 0])
  })

  it('drains this node for a while', () => {
    const { clock, steering } = setUp()
    expect([steering.drain(1_000), steering.drain(2_000), steering.isDrained]).toEqual([true, false, true])
    clock.advance(2_000)
    expect(steering.isDrained).toBe(false)
    steering.drain(1_000)
    expect([steering.undrain(), steering.undrain(), steering.isDrained]).toEqual([true, false, false])
  })
})
