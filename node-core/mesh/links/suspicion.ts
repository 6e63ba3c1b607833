/** How late the heartbeats of one peer have been, beyond the interval that each announced. Newest last. */
export type LatenessHistory = readonly number[]

const HISTORY_LENGTH = 64
const MAX_PHI = 100

/** Scheduling on a busy machine moves beats by this much; the estimate of the deviation never goes below it. */
const MIN_DEVIATION_MS = 40
/** An idle link is asked less often and watched less nervously: this part of the interval is added to the deviation. */
const DEVIATION_PER_INTERVAL = 0.1
/** Whatever the history says, this silence is suspicious: 0.82 s under traffic, 2.8 s when idle. */
const MAX_SILENCE_BASE_MS = 600
const MAX_SILENCE_PER_INTERVAL = 2.2
/**
 * A node that comes late itself hears late, and what makes it late often makes its neighbours late as well: nodes of one
 * machine, or machines of one host. Without this, idle links of a busy machine fell under suspicion every few seconds.
 */
const DEVIATION_PER_LAG = 2
const MAX_SILENCE_PER_LAG = 5

/** Suspicion at which a peer counts as suspect: one wrong verdict in 10^8 beats if lateness were normal. */
export const SUSPECT_PHI = 8
/** Suspicion below which a peer is out of it again. */
export const CALM_PHI = 1

export const recordLateness = (history: LatenessHistory, latenessMs: number): LatenessHistory => [
  ...history.slice(1 - HISTORY_LENGTH),
  latenessMs,
]

/**
 * Phi-accrual suspicion (Hayashibara et al., 2004): minus the decimal logarithm of the probability that a beat comes
 * later than now, with the lateness taken as normally distributed. 0 is none, 8 is suspect, 100 the most.
 *
 * @param silentMs since the last proof of life
 * @param intervalMs after which the next one was announced
 * @param lagMs how late this process has been itself, of late
 */
export function suspicion(history: LatenessHistory, silentMs: number, intervalMs: number, lagMs = 0): number {
  const maxSilenceMs =
    MAX_SILENCE_BASE_MS + MAX_SILENCE_PER_INTERVAL * intervalMs + MAX_SILENCE_PER_LAG * lagMs
  if (silentMs >= maxSilenceMs) return MAX_PHI
  const { mean, deviation } = momentsOf(history)
  const floor = MIN_DEVIATION_MS + DEVIATION_PER_INTERVAL * intervalMs + DEVIATION_PER_LAG * lagMs
  return phiOf((silentMs - intervalMs - mean) / Math.max(deviation, floor))
}

/**
 * Logistic approximation of the normal distribution's tail (as in Akka's detector), which stays monotonic where
 * 1 - CDF has run out of digits.
 */
function phiOf(deviations: number): number {
  const exponent = deviations * (1.5976 + 0.070566 * deviations * deviations)
  // log10(1 + e^x), written so that neither end overflows.
  const nats = exponent > 0 ? exponent + Math.log1p(Math.exp(-exponent)) : Math.log1p(Math.exp(exponent))
  return Math.min(MAX_PHI, nats / Math.LN10)
}

function momentsOf(history: LatenessHistory): { mean: number; deviation: number } {
  if (history.length === 0) return { mean: 0, deviation: 0 }
  const mean = history.reduce((sum, value) => sum + value, 0) / history.length
  const variance = history.reduce((sum, value) => sum + (value - mean) ** 2, 0) / history.length
  // Early beats (a burst after a stall) must not make the detector expect the next one before its time.
  return { mean: Math.max(0, mean), deviation: Math.sqrt(variance) }
}
