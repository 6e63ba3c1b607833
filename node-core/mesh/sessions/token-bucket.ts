import type { Clock } from '../../platform/clock.ts'

export interface TokenBucketOptions {
  readonly burst: number
  readonly perSecond: number
}

/** Lets `burst` through at once and `perSecond` in the long run. */
export interface TokenBucket {
  take(): boolean
}

export function createTokenBucket(clock: Clock, { burst, perSecond }: TokenBucketOptions): TokenBucket {
  let tokens = burst
  let filledAtMs = clock.monotonicMs()
  return {
    take() {
      const nowMs = clock.monotonicMs()
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1_000) * perSecond)
      filledAtMs = nowMs
      if (tokens < 1) return false
      tokens--
      return true
    },
  }
}
