/** How often each end sends a beat when nothing else flows, and when something does. */
export const IDLE_INTERVAL_MS = 1_000
export const BUSY_INTERVAL_MS = 100

/** How fast this end sends at the moment. */
export interface Rhythm {
  readonly intervalMs: number
  /** Monotonic ms when it became that fast. */
  readonly sinceMs: number
}
