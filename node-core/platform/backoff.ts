import type { Random } from './random.ts'

export interface BackoffOptions {
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * Delay before attempt `attempt` (0 is the first retry): full jitter over an exponential ceiling,
 * never under half the base so that a lucky draw cannot spin.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30))
  return Math.max(options.baseMs / 2, ceiling * random.unit())
}
