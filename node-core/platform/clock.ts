/** Time as everything above sees it, so that tests can move it by hand. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Monotonic, milliseconds since an arbitrary origin. Never goes back. */
  monotonicMs(): number
  /** Calls `fn` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
