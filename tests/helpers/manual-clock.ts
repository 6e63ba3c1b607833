import type { Clock } from '../../node-core/platform/clock.ts'

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves both clocks on and runs what falls due, in order. */
  advance(ms: number): void
  /** Moves the wall clock alone, as somebody setting it would. */
  setWall(ms: number): void
  /** How many timers are waiting. */
  readonly timers: number
}

export function createManualClock(startMs = 1_700_000_000_000): ManualClock {
  let monotonic = 0
  let wallOffset = startMs
  let sequence = 0
  const timers = new Map<number, { readonly at: number; readonly fn: () => void }>()

  function nextDue(limit: number): [number, { at: number; fn: () => void }] | undefined {
    let best: [number, { at: number; fn: () => void }] | undefined
    for (const entry of timers) {
      if (entry[1].at <= limit && (best === undefined || entry[1].at < best[1].at)) best = entry
    }
    return best
  }

  return {
    now: () => wallOffset + monotonic,
    monotonicMs: () => monotonic,
    after(delayMs, fn) {
      const id = sequence++
      timers.set(id, { at: monotonic + Math.max(0, delayMs), fn })
      return () => timers.delete(id)
    },
    advance(ms) {
      const limit = monotonic + ms
      for (let due = nextDue(limit); due !== undefined; due = nextDue(limit)) {
        timers.delete(due[0])
        monotonic = Math.max(monotonic, due[1].at)
        due[1].fn()
      }
      monotonic = limit
    },
    setWall(ms) {
      wallOffset = ms - monotonic
    },
    get timers() {
      return timers.size
    },
  }
}
