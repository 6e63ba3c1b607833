/** Allows a burst and then a steady rate. */
export interface TokenBucket {
  /** Takes one token if there is one. */
  take(nowMs: number): boolean
  /** How long until there is one, ms; 0 when there is. */
  waitMs(nowMs: number): number
}

export function createTokenBucket(burst: number, everyMs: number): TokenBucket {
  let tokens = burst
  let atMs: number | undefined
  const refill = (nowMs: number): void => {
    tokens = Math.min(burst, tokens + Math.max(0, nowMs - (atMs ?? nowMs)) / everyMs)
    atMs = nowMs
  }
  return {
    take(nowMs) {
      refill(nowMs)
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
    waitMs(nowMs) {
      refill(nowMs)
      return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * everyMs)
    },
  }
}
