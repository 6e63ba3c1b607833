import type { Clock } from '../platform/clock.ts'
import { MAX_CLOCK_SKEW_MS } from './limits.ts'

export type ClockStanding =
  | { readonly kind: 'ok' }
  /** The wall clock shows a time that has certainly passed already. Such a node warns and must not issue. */
  | { readonly kind: 'behind'; readonly byMs: number }

export interface ClockFloor {
  /** The newest time known to have passed, ms since the Unix epoch: persist it and give it back at the next start. */
  floorMs(): number
  /**
   * Learns from a time in a record whose signature has verified. A time from a member raises the floor to at most
   * `MAX_CLOCK_SKEW_MS` above our own clock, so that one wrong clock cannot keep every other node from issuing.
   */
  observe(signedAtMs: number, signer: 'authority' | 'member'): void
  /** Compares the wall clock with the floor, and raises the floor to it. */
  check(): ClockStanding
}

/** `persistedMs`: the floor of the last run, or 0. */
export function createClockFloor(deps: { readonly clock: Clock }, persistedMs: number): ClockFloor {
  let floor = persistedMs
  const raise = (toMs: number): void => {
    if (Number.isFinite(toMs) && toMs > floor) floor = toMs
  }
  return {
    floorMs: () => floor,
    observe(signedAtMs, signer) {
      raise(signer === 'authority' ? signedAtMs : Math.min(signedAtMs, deps.clock.now() + MAX_CLOCK_SKEW_MS))
    },
    check() {
      const nowMs = deps.clock.now()
      raise(nowMs)
      return nowMs + MAX_CLOCK_SKEW_MS < floor ? { kind: 'behind', byMs: floor - nowMs } : { kind: 'ok' }
    },
  }
}
