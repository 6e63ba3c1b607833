import type { Clock } from '../../platform/clock.ts'

export interface RateLimitOptions {
  readonly perSecond: number
  /** What may come at once after a pause. */
  readonly burst: number
}

/** Says whether one more may pass now: a token bucket. */
export type RateLimit = () => boolean

export function createRateLimit(
  clock: Pick<Clock, 'monotonicMs'>,
  { perSecond, burst }: RateLimitOptions,
): RateLimit {
  let tokens = burst
  let atMs = clock.monotonicMs()
  return () => {
    const nowMs = clock.monotonicMs()
    tokens = Math.min(burst, tokens + ((nowMs - atMs) / 1_000) * perSecond)
    atMs = nowMs
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}

/** One limit for each source and one for all, so that a source that floods drowns out nobody else. */
export function createSourceLimits(
  clock: Pick<Clock, 'monotonicMs'>,
  options: { readonly each: RateLimitOptions; readonly all: RateLimitOptions; readonly maxSources: number },
): (source: string) => boolean {
  const all = createRateLimit(clock, options.all)
  const sources = new Map<string, RateLimit>()
  return (source) => {
    let own = sources.get(source)
    if (own === undefined) {
      // The one that was first seen longest ago goes.
      const [oldest] = sources.keys()
      if (sources.size >= options.maxSources && oldest !== undefined) sources.delete(oldest)
      own = createRateLimit(clock, options.each)
      sources.set(source, own)
    }
    return own() && all()
  }
}
