import type { Clock } from '../../platform/clock.ts'

/** A steady tick that knows when it did not run. */
export interface Heartbeat {
  start(): void
  stop(): void
  /** By how much the latest tick came late since this was asked last, ms. */
  takeWorstLagMs(): number
}

export interface HeartbeatEvents {
  /**
   * @param stalledMs by how much the tick came late: for so long this process could not hear anybody
   * @param lagMs how late ticks have come of late, at worst: how busy this process or its machine is
   */
  onTick(stalledMs: number, lagMs: number): void
  /** The machine slept, or the process was stopped. Called before the tick. */
  onWake(sleptMs: number): void
}

/** Late by less is everyday scheduling, and what the suspicion of the links allows for anyway. */
const STALL_MS = 100
const SLEEP_MS = 5_000
/** What is kept of the worst lag with each tick: half of it after 35. */
const LAG_KEPT = 0.98
/** Whatever happened, nobody is given more time for it than a multiple of this. */
const MAX_LAG_MS = 300

export function createHeartbeat(clock: Clock, intervalMs: number, events: HeartbeatEvents): Heartbeat {
  let cancel = (): void => {}
  let lastMs = 0
  let lastWallMs = 0
  let lagMs = 0
  let worstLagMs = 0

  const schedule = (): void => {
    lastMs = clock.monotonicMs()
    lastWallMs = clock.now()
    cancel = clock.after(intervalMs, tick)
  }
  const tick = (): void => {
    const lateMs = clock.monotonicMs() - lastMs - intervalMs
    // Linux stops the monotonic clock while the machine sleeps; only the wall clock tells.
    const sleptMs = Math.max(lateMs, clock.now() - lastWallMs - intervalMs)
    if (sleptMs >= SLEEP_MS) events.onWake(sleptMs)
    lagMs = Math.min(MAX_LAG_MS, Math.max(0, lateMs, lagMs * LAG_KEPT))
    worstLagMs = Math.max(worstLagMs, lateMs)
    events.onTick(lateMs >= STALL_MS ? lateMs : 0, lagMs)
    schedule()
  }
  return {
    start: schedule,
    stop: () => cancel(),
    takeWorstLagMs() {
      const worst = worstLagMs
      worstLagMs = 0
      return worst
    },
  }
}
