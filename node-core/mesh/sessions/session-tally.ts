import type { ResetReason } from './session-frames.ts'
import type { SessionId, SessionView } from './session-view.ts'

/** What has happened since the start. */
export interface SessionSums {
  readonly opened: number
  readonly accepted: number
  readonly finished: number
  readonly reset: number
  /** Carriers dialed here that took over from a broken or worse one. */
  readonly resumes: number
  readonly stalls: number
  /** Standbys that took over. */
  readonly promotions: number
  readonly refusedHellos: number
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Of any session: the longest time that bytes on their way were not acknowledged. */
  readonly longestGapMs: number
}

/** Counts what sessions do, those that are over included. */
export interface SessionTally {
  created(openedBy: SessionId['openedBy']): void
  over(last: SessionView, outcome: 'finished' | ResetReason): void
  resumed(): void
  stalled(): void
  promoted(): void
  refused(): void
  /** With what the sessions that live have done so far. */
  sum(live: readonly SessionView[]): SessionSums
}

export function createSessionTally(): SessionTally {
  const counts = {
    opened: 0,
    accepted: 0,
    finished: 0,
    reset: 0,
    resumes: 0,
    stalls: 0,
    promotions: 0,
    refusedHellos: 0,
  }
  let past = { sentBytes: 0, receivedBytes: 0, longestGapMs: 0 }
  const plus = (sums: typeof past, view: SessionView): typeof past => ({
    sentBytes: sums.sentBytes + view.sentBytes,
    receivedBytes: sums.receivedBytes + view.receivedBytes,
    longestGapMs: Math.max(sums.longestGapMs, view.longestGapMs),
  })
  return {
    created(openedBy) {
      if (openedBy === 'self') counts.opened++
      else counts.accepted++
    },
    over(last, outcome) {
      past = plus(past, last)
      if (outcome === 'finished') counts.finished++
      else counts.reset++
    },
    resumed: () => void counts.resumes++,
    stalled: () => void counts.stalls++,
    promoted: () => void counts.promotions++,
    refused: () => void counts.refusedHellos++,
    sum: (live) => ({ ...counts, ...live.reduce(plus, past) }),
  }
}
