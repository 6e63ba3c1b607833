import type { MembershipContext } from './context.ts'
import type { Refusal } from './events.ts'

/** Lines of refusals in the log within one window; what is above is only counted, so that nobody can fill the log. */
const MAX_LINES = 30
const WINDOW_MS = 60_000

/** Counts and emits every refusal, and logs the first ones of each minute. */
export function createRefusalNotes(context: MembershipContext): (refusal: Refusal) => void {
  const { clock, counters, events, logger } = context
  let windowMs = Number.NEGATIVE_INFINITY
  let lines = 0
  return (refusal) => {
    counters.count(`refused.${refusal.code}`)
    events.emit('refused', refusal)
    const nowMs = clock.monotonicMs()
    if (nowMs - windowMs >= WINDOW_MS) {
      windowMs = nowMs
      lines = 0
    }
    lines += 1
    if (lines <= MAX_LINES) logger.warn('an admission was refused', { ...refusal })
    if (lines === MAX_LINES)
      logger.warn('more refusals within this minute are counted and not logged', { lines })
  }
}
