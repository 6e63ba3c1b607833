import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createWatch } from './watch.ts'

function start() {
  const clock = createManualClock()
  const seen = { stalls: 0, asks: 0 }
  const watch = createWatch(clock, {
    limitMs: (repeats) => 150 * 2 ** repeats,
    onStall: () => {
      seen.stalls++
    },
    onBlocked: () => {
      seen.asks++
    },
  })
  return { clock, seen, watch }
}

describe('the watch over acknowledgements', () => {
  it('tells of a stall after the limit, then each time after twice as long', () => {
    const { clock, seen, watch } = start()
    watch.sent()
    clock.advance(149)
    expect(seen.stalls).toBe(0)
    clock.advance(1)
    expect(seen.stalls).toBe(1)
    clock.advance(299)
    expect(seen.stalls).toBe(1)
    clock.advance(1)
    expect(seen.stalls).toBe(2)
    expect(watch.waitingMs).toBe(450)
  })

  it('begins anew with every progress, and is quiet when nothing is on its way', () => {
    const { clock, seen, watch } = start()
    watch.sent()
    for (let step = 0; step < 10; step++) {
      clock.advance(100)
      watch.progressed(true)
      watch.sent()
    }
    watch.progressed(false)
    clock.advance(60_000)
    expect(seen.stalls).toBe(0)
    expect(watch.longestGapMs).toBe(100)
  })

  it('asks now and then while nothing may be sent, and does not take that for a stall', () => {
    const { clock, seen, watch } = start()
    watch.blocked()
    clock.advance(250)
    expect(seen).toEqual({ stalls: 0, asks: 1 })
    clock.advance(60_000)
    expect(seen.asks).toBeLessThan(15)
    // A long wait for credit must not make the next stall late.
    watch.progressed(true)
    watch.sent()
    clock.advance(150)
    expect(seen.stalls).toBe(1)
  })

  it('gives a process that was suspended a moment to take in what has come', () => {
    const late = { nowMs: 0, timers: [] as (() => void)[] }
    let stalls = 0
    const watch = createWatch(
      {
        now: () => late.nowMs,
        monotonicMs: () => late.nowMs,
        after(_delayMs, fn) {
          late.timers.push(fn)
          return () => {}
        },
      },
      { limitMs: () => 150, onStall: () => stalls++, onBlocked: () => {} },
    )
    watch.sent()
    late.nowMs = 5_000
    late.timers.shift()?.()
    expect(stalls).toBe(0)
    late.nowMs += 25
    late.timers.shift()?.()
    expect(stalls).toBe(1)
  })
})
