import type { LinkState } from '../../domain/link.ts'
import { IDLE_INTERVAL_MS } from './rhythm.ts'
import { CALM_PHI, SUSPECT_PHI } from './suspicion.ts'

/** What is known of a link at one moment. */
export interface LinkEvidence {
  /** 0 to 100, the higher of both directions: see `suspicion`. */
  readonly phi: number
  /** The direction that `phi` is about. `there`: the other end says that it does not hear this one. */
  readonly silentSide: 'here' | 'there'
  /** The peer's announced interval, ms. */
  readonly intervalMs: number
  readonly silentMs: number
  readonly smoothedRttMs: number | undefined
  readonly baselineRttMs: number | undefined
  /** 0 to 1, the worse of both directions; estimated. */
  readonly lossEstimate: number
}

/** A link's state and when it was entered, with what hysteresis needs. Monotonic ms. */
export interface LinkStatus {
  readonly state: LinkState
  readonly sinceMs: number
  /** Since when the evidence has been good enough for a better state; `undefined` while it is not. */
  readonly betterSinceMs: number | undefined
}

const DEGRADED_LOSS = 0.05
const FINE_LOSS = 0.02
const DEGRADED_RTT_FACTOR = 3
const DEGRADED_RTT_EXTRA_MS = 50
const FINE_RTT_FACTOR = 2
const FINE_RTT_EXTRA_MS = 25
/** Beats queue behind the traffic of this very link, which is no fault of it. */
const BUSY_QUEUE_MS = 200

/** A degraded link has to be fine for this long, a suspect one to be heard for this long. */
const DEGRADED_HOLD_MS = 5_000
const SUSPECT_HOLD_MS = 400
/** A suspect link goes down after this, or after this many intervals, whichever is longer. */
const DOWN_AFTER_SUSPECT_MS = 1_500
const DOWN_AFTER_INTERVALS = 2

export const initialStatus = (nowMs: number): LinkStatus => ({
  state: 'up',
  sinceMs: nowMs,
  betterSinceMs: undefined,
})

/** The state after looking at the evidence. Down is final: the connection is closed and the peer is dialled anew. */
export function nextStatus(status: LinkStatus, evidence: LinkEvidence, nowMs: number): LinkStatus {
  if (status.state === 'down') return status
  if (evidence.phi >= SUSPECT_PHI) {
    if (status.state !== 'suspect') return enter('suspect', nowMs)
    const patienceMs = Math.max(DOWN_AFTER_SUSPECT_MS, DOWN_AFTER_INTERVALS * evidence.intervalMs)
    return nowMs - status.sinceMs >= patienceMs
      ? enter('down', nowMs)
      : { ...status, betterSinceMs: undefined }
  }
  const wanted = isDegraded(evidence, status.state) ? 'degraded' : 'up'
  switch (status.state) {
    case 'up':
      return wanted === 'up' ? status : enter('degraded', nowMs)
    case 'degraded':
      return improve(status, wanted === 'up', 'up', DEGRADED_HOLD_MS, nowMs)
    case 'suspect':
      return improve(status, evidence.phi < CALM_PHI, wanted, SUSPECT_HOLD_MS, nowMs)
  }
}

const enter = (state: LinkState, nowMs: number): LinkStatus => ({
  state,
  sinceMs: nowMs,
  betterSinceMs: undefined,
})

function improve(
  status: LinkStatus,
  isBetter: boolean,
  to: LinkState,
  holdMs: number,
  nowMs: number,
): LinkStatus {
  if (!isBetter) return { ...status, betterSinceMs: undefined }
  const betterSinceMs = status.betterSinceMs ?? nowMs
  return nowMs - betterSinceMs >= holdMs ? enter(to, nowMs) : { ...status, betterSinceMs }
}

/** The threshold to become degraded is above the one to stop being so. */
function isDegraded(evidence: LinkEvidence, state: LinkState): boolean {
  const isFineSoFar = state === 'up'
  if (evidence.lossEstimate >= (isFineSoFar ? DEGRADED_LOSS : FINE_LOSS)) return true
  if (evidence.smoothedRttMs === undefined || evidence.baselineRttMs === undefined) return false
  const [factor, extraMs] = isFineSoFar
    ? [DEGRADED_RTT_FACTOR, DEGRADED_RTT_EXTRA_MS]
    : [FINE_RTT_FACTOR, FINE_RTT_EXTRA_MS]
  const queueMs = evidence.intervalMs < IDLE_INTERVAL_MS ? BUSY_QUEUE_MS : 0
  return evidence.smoothedRttMs > evidence.baselineRttMs * factor + extraMs + queueMs
}
