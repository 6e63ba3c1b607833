/** Smoothed times of one link. All ms. */
export interface Timing {
  /** RFC 6298, section 2. */
  readonly smoothedRttMs: number
  readonly rttDeviationMs: number
  /** The lowest smoothed value seen, which slowly forgets: what the link is like when nothing disturbs it. */
  readonly baselineRttMs: number
  /** The newest samples, for the clock filter. Newest last. */
  readonly clockSamples: readonly ClockSample[]
}

interface ClockSample {
  readonly rttMs: number
  readonly offsetMs: number
}

/** The four timestamps of a beat and the beat that echoes it (RFC 5905, section 8): wall clocks, ms. */
export interface RoundTrip {
  /** Sent here. */
  readonly t1: number
  /** Received there. */
  readonly t2: number
  /** Sent back there. */
  readonly t3: number
  /** Received here. */
  readonly t4: number
  /** Measured on the two monotonic clocks, so that setting a clock does not spoil it. */
  readonly rttMs: number
}

const RTT_GAIN = 1 / 8
/** Both ends are busy with making the connection when the first of these are taken: a lower one replaces them. */
const WARM_UP_SAMPLES = 4
const DEVIATION_GAIN = 1 / 4
const BASELINE_FORGETS = 1 / 512
/** RFC 5905 keeps 8 samples and believes the one with the shortest way: it was disturbed least. */
const CLOCK_FILTER_LENGTH = 8

export function recordRoundTrip(timing: Timing | undefined, trip: RoundTrip): Timing {
  const rttMs = Math.max(0, trip.rttMs)
  const sample = { rttMs, offsetMs: (trip.t2 - trip.t1 + (trip.t3 - trip.t4)) / 2 }
  if (timing === undefined) {
    return {
      smoothedRttMs: rttMs,
      rttDeviationMs: rttMs / 2,
      baselineRttMs: rttMs,
      clockSamples: [sample],
    }
  }
  const isWarmingUp = timing.clockSamples.length < WARM_UP_SAMPLES && rttMs < timing.smoothedRttMs
  const gain = isWarmingUp ? 1 : RTT_GAIN
  const smoothedRttMs = timing.smoothedRttMs + gain * (rttMs - timing.smoothedRttMs)
  const deviation = Math.abs(rttMs - timing.smoothedRttMs)
  return {
    smoothedRttMs,
    rttDeviationMs: timing.rttDeviationMs + DEVIATION_GAIN * (deviation - timing.rttDeviationMs),
    baselineRttMs: Math.min(
      smoothedRttMs,
      timing.baselineRttMs + BASELINE_FORGETS * (smoothedRttMs - timing.baselineRttMs),
    ),
    clockSamples: [...timing.clockSamples.slice(1 - CLOCK_FILTER_LENGTH), sample],
  }
}

/** How far the other clock is ahead of ours. Half the round trip of the best sample is the most it can be wrong by. */
export function clockOffsetMs(timing: Timing): number {
  const best = timing.clockSamples.reduce((shortest, sample) =>
    sample.rttMs < shortest.rttMs ? sample : shortest,
  )
  return best.offsetMs
}

/** What the arrival times of beats say of the way to this node. */
export interface Arrivals {
  /** RFC 3550, section 6.4.1. */
  readonly jitterMs: number
  /** Time on the way of the newest beats, all off by the same unknown difference of the clocks. Newest last. */
  readonly transitsMs: readonly number[]
  /** Whether each of the newest beats came late. Newest last. */
  readonly late: readonly boolean[]
}

export const NO_ARRIVALS: Arrivals = { jitterMs: 0, transitsMs: [], late: [] }

const JITTER_GAIN = 1 / 16
const TRANSITS_KEPT = 64
const LATE_KEPT = 50
/** RFC 6298, section 2: what is lost comes after this at the earliest, what comes before was only slow. */
const RTO_DEVIATIONS = 4
/** Linux retransmits after 200 ms at the earliest when nothing follows the lost segment, so less is no loss. */
const MIN_LATE_MS = 150
/** A larger change is a clock that was set. */
const MAX_CHANGE_MS = 1_000

export interface Arrival {
  /** Receiver's monotonic clock minus the sender's wall clock, ms. */
  readonly transitMs: number
  /** Since the beat before it came. */
  readonly gapMs: number
  /** That the beat before it announced. */
  readonly intervalMs: number
}

/**
 * Over TCP nothing is lost, only late: a beat that took much longer than the quickest of late, and left a gap before it,
 * was probably held up by a retransmission. The ones that were held up behind it come in the same burst, without a gap,
 * and do not count again; neither does a step of the sender's clock.
 */
export function recordArrival(
  arrivals: Arrivals,
  { transitMs, gapMs, intervalMs }: Arrival,
  timing: Pick<Timing, 'smoothedRttMs' | 'rttDeviationMs'> | undefined,
): Arrivals {
  const previous = arrivals.transitsMs.at(-1)
  const quickest = Math.min(transitMs, ...arrivals.transitsMs)
  const rtoMs = timing === undefined ? 0 : timing.smoothedRttMs + RTO_DEVIATIONS * timing.rttDeviationMs
  const limitMs = Math.max(MIN_LATE_MS, rtoMs)
  const isHeldUp = transitMs - quickest > limitMs && gapMs - intervalMs > limitMs / 2
  const change = previous === undefined ? 0 : Math.min(MAX_CHANGE_MS, Math.abs(transitMs - previous))
  return {
    jitterMs: arrivals.jitterMs + JITTER_GAIN * (change - arrivals.jitterMs),
    transitsMs: [...arrivals.transitsMs.slice(1 - TRANSITS_KEPT), transitMs],
    late: [...arrivals.late.slice(1 - LATE_KEPT), isHeldUp],
  }
}

/** Share of beats that came late, 0 to 1: an estimate of what is lost on the way here. */
export function lateShare({ late }: Arrivals): number {
  return late.length === 0 ? 0 : late.filter((isLate) => isLate).length / late.length
}
