import type { Clock } from '../platform/clock.ts'

/** Texts remembered at once; beyond that all are forgotten, which costs a few lines more. */
const MAX_TEXTS = 256

/**
 * Keeps whoever fails a thousand times a second from filling the log: a text is let through once per `everyMs`.
 * Answers how many were held back since the last time, or `undefined` for one that is held back.
 */
export type LogThrottle = (text: string) => number | undefined

export function createLogThrottle(clock: Clock, everyMs: number): LogThrottle {
  const seen = new Map<string, { untilMs: number; heldBack: number }>()
  return (text) => {
    const nowMs = clock.monotonicMs()
    const entry = seen.get(text)
    if (entry !== undefined && nowMs < entry.untilMs) {
      entry.heldBack += 1
      return undefined
    }
    if (seen.size >= MAX_TEXTS) seen.clear()
    seen.set(text, { untilMs: nowMs + everyMs, heldBack: 0 })
    return entry?.heldBack ?? 0
  }
}
