import type { Clock } from '../../platform/clock.ts'
import type { LinkEvidence } from './link-state.ts'
import type { Beat } from './probe-codec.ts'
import { IDLE_INTERVAL_MS, type Rhythm } from './rhythm.ts'
import { type LatenessHistory, recordLateness, suspicion } from './suspicion.ts'
import {
  type Arrivals,
  clockOffsetMs,
  lateShare,
  NO_ARRIVALS,
  recordArrival,
  recordRoundTrip,
  type Timing,
} from './timing.ts'

const SENT_BEATS_KEPT = 64
/** A silence at the other end that is shorter may be a retransmission on a lossy line. */
const STALL_MS = 900

export interface LinkMeasures {
  readonly rttMs: number | undefined
  readonly jitterMs: number | undefined
  /** 0 to 1, estimated from late arrival: over TCP nothing is lost. Towards this node, and away from it. */
  readonly loss: { readonly inbound: number; readonly outbound: number }
  /** The other clock minus ours. */
  readonly clockOffsetMs: number | undefined
}

interface SentBeat {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** What the beats of both ends say of one peer: writes ours, reads theirs, and weighs the silence between. */
export class PeerMonitor {
  readonly #clock: Clock
  /** Monotonic ms of the last authenticated bytes. */
  readonly #lastReceivedMs: () => number
  readonly #sent = new Map<number, SentBeat>()
  #seq = 0
  #timing: Timing | undefined
  #arrivals: Arrivals = NO_ARRIVALS
  #lateness: LatenessHistory = []
  #last: { readonly beat: Beat; readonly atMs: number } | undefined
  #forgiven = { heardMs: 0, silenceMs: 0 }
  #skipsNextGap = true
  /** Beats in a row in which the other end said that it has heard nothing since the one before. */
  #grewSilent = 0

  constructor(clock: Clock, lastReceivedMs: () => number) {
    this.#clock = clock
    this.#lastReceivedMs = lastReceivedMs
  }

  /** The next beat of this end, to be sent at once. */
  nextBeat(intervalMs: number): Beat {
    const nowMs = this.#clock.monotonicMs()
    this.#seq += 1
    const sentAtMs = this.#clock.now()
    this.#sent.set(this.#seq, { wallMs: sentAtMs, monotonicMs: nowMs })
    this.#sent.delete(this.#seq - SENT_BEATS_KEPT)
    return {
      kind: 'beat',
      seq: this.#seq,
      intervalMs,
      sentAtMs,
      echo: this.#last && { seq: this.#last.beat.seq, holdMs: nowMs - this.#last.atMs },
      silentMs: this.silentMs(),
      lateShare: lateShare(this.#arrivals),
    }
  }

  receive(beat: Beat): void {
    const nowMs = this.#clock.monotonicMs()
    this.#measureRoundTrip(beat, nowMs)
    if (this.#last !== undefined && !this.#skipsNextGap) {
      const gapMs = nowMs - this.#last.atMs
      const intervalMs = this.#last.beat.intervalMs
      const arrival = { transitMs: nowMs - beat.sentAtMs, gapMs, intervalMs }
      this.#arrivals = recordArrival(this.#arrivals, arrival, this.#timing)
      // A beat before its time, as when the other end has become busy, is not negative lateness.
      this.#lateness = recordLateness(this.#lateness, Math.max(0, gapMs - intervalMs))
    }
    this.#skipsNextGap = false
    const before = this.#last?.beat
    const isSilent =
      before !== undefined && beat.silentMs >= before.silentMs + beat.sentAtMs - before.sentAtMs - 5
    this.#grewSilent = isSilent ? this.#grewSilent + 1 : 0
    this.#last = { beat, atMs: nowMs }
  }

  /** This process did not run for so long and could not hear: that much of the present silence is no evidence. */
  forgiveSilence(stalledMs: number): void {
    const heardMs = this.#lastReceivedMs()
    const before = this.#forgiven.heardMs === heardMs ? this.#forgiven.silenceMs : 0
    this.#forgiven = { heardMs, silenceMs: before + stalledMs }
    this.#skipsNextGap = true
  }

  /** Since anything authentic came from the peer, ms. */
  silentMs(): number {
    return Math.max(0, this.#clock.monotonicMs() - this.#heardMs())
  }

  measures(): LinkMeasures {
    const timing = this.#timing
    return {
      rttMs: timing?.smoothedRttMs,
      jitterMs: timing === undefined ? undefined : this.#arrivals.jitterMs,
      loss: { inbound: lateShare(this.#arrivals), outbound: this.#last?.beat.lateShare ?? 0 },
      clockOffsetMs: timing && clockOffsetMs(timing),
    }
  }

  /** @param lagMs how late this process has been itself, of late */
  evidence(rhythm: Rhythm, lagMs = 0): LinkEvidence {
    // A beat of ours that is faster than theirs is answered at once, so the faster of the two rhythms is what can be
    // expected. When this end has just become busy, the answer to its first quick beat cannot be there yet.
    const expectedMs = Math.min(this.#last?.beat.intervalMs ?? IDLE_INTERVAL_MS, rhythm.intervalMs)
    const rttMs = this.#timing?.smoothedRttMs ?? 0
    const isBusy = rhythm.intervalMs < IDLE_INTERVAL_MS
    const fromMs = Math.max(this.#heardMs(), isBusy ? rhythm.sinceMs + rttMs : 0)
    const phiHere = suspicion(this.#lateness, this.#clock.monotonicMs() - fromMs, expectedMs, lagMs)
    // What the other end says of us is as old as its last beat.
    const silentThereMs = this.#last?.beat.silentMs ?? 0
    const phiThere = suspicion(
      [],
      silentThereMs - rttMs,
      this.#countedOnMs(rhythm, silentThereMs + rttMs),
      lagMs,
    )
    const silentSide = phiHere >= phiThere ? 'here' : 'there'
    const loss = this.measures().loss
    return {
      phi: Math.max(phiHere, phiThere),
      silentSide,
      intervalMs: expectedMs,
      silentMs: silentSide === 'here' ? this.silentMs() : silentThereMs,
      smoothedRttMs: this.#timing?.smoothedRttMs,
      baselineRttMs: this.#timing?.baselineRttMs,
      lossEstimate: Math.max(loss.inbound, loss.outbound),
    }
  }

  /**
   * The interval of our beats that the other end could count on: the quick one if all of its silence fell into it, and
   * if it said so more than once, because one beat may have been written while ours were waiting to be read.
   */
  #countedOnMs({ intervalMs, sinceMs }: Rhythm, overMs: number): number {
    const isQuick = this.#clock.monotonicMs() - sinceMs > overMs + IDLE_INTERVAL_MS
    return isQuick && overMs >= STALL_MS && this.#grewSilent >= 2 ? intervalMs : IDLE_INTERVAL_MS
  }

  #heardMs(): number {
    const heardMs = this.#lastReceivedMs()
    return this.#forgiven.heardMs === heardMs ? heardMs + this.#forgiven.silenceMs : heardMs
  }

  #measureRoundTrip(beat: Beat, nowMs: number): void {
    const origin = beat.echo && this.#sent.get(beat.echo.seq)
    if (beat.echo === undefined || origin === undefined) return
    this.#timing = recordRoundTrip(this.#timing, {
      t1: origin.wallMs,
      t2: beat.sentAtMs - beat.echo.holdMs,
      t3: beat.sentAtMs,
      t4: this.#clock.now(),
      rttMs: nowMs - origin.monotonicMs - beat.echo.holdMs,
    })
  }
}
