import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { PeerId } from '../../domain/ids.ts'
import { createPatience } from './patience.ts'

const [A, B] = ['a' as PeerId, 'b' as PeerId]

describe('patience', () => {
  it('ends when a gain has lasted for five seconds', () => {
    const clock = createManualClock()
    const patience = createPatience(clock)
    expect(patience.isOver(A, 30_000)).toBe(false)
    clock.advance(4_999)
    expect([patience.isOver(A, 40_000), patience.hasRunOut()]).toEqual([false, false])
    clock.advance(1)
    expect([patience.hasRunOut(), patience.isOver(A, 30_000), patience.hasRunOut()]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('begins anew when the gain was gone for a moment, and is kept for each target apart', () => {
    const clock = createManualClock()
    const patience = createPatience(clock)
    patience.isOver(A, 30_000)
    patience.isOver(B, 30_000)
    clock.advance(3_000)
    patience.settled(A)
    clock.advance(2_000)
    expect([patience.isOver(A, 30_000), patience.isOver(B, 30_000)]).toEqual([false, true])
  })

  it('says only once that it has run out, when nobody asks for that target any more', () => {
    const clock = createManualClock()
    const patience = createPatience(clock)
    patience.isOver(A, 30_000)
    clock.advance(6_000)
    expect([patience.hasRunOut(), patience.hasRunOut()]).toEqual([true, false])
    expect(patience.isOver(A, 30_000)).toBe(true)
  })

  it('does not wait when the path in use is under suspicion', () => {
    expect(createPatience(createManualClock()).isOver(A, 20_000_000)).toBe(true)
  })
})
