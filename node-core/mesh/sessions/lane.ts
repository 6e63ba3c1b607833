import type { SessionFrame } from './session-frames.ts'

/** One path under a session: frames go in and out in order, until it breaks. */
export interface Carrier {
  /**
   * Takes a frame. Never throws; a broken carrier drops it. An `ack` overtakes the data that waits here, and replaces
   * an `ack` that waits here.
   */
  send(frame: SessionFrame): void
  /** Whether data may be given now. The core is told by `drained` when that becomes true again. */
  readonly writable: boolean
  /** Bytes of data that it takes now in one frame; none and less when it is not writable. */
  readonly room: number
}

/** What the core knows of one carrier. */
export interface Lane {
  readonly carrier: Carrier
  /** Offset of the next byte to send here. */
  cursor: number
  finSent: boolean
  /** Carries data: the primary always, another one while the primary stalls. */
  active: boolean
  /** Carried data that nobody acknowledged in time, and was not heard of since. */
  failed: boolean
  /** An acknowledgement is due here. */
  ackDue: boolean
  heardAtMs: number
  /** RFC 6298, section 2; undefined until the first sample. */
  smoothedRttMs: number | undefined
  leastRttMs: number | undefined
  /** The round trip being measured: from when `offset` went out until it is acknowledged. */
  sample: { readonly offset: number; readonly atMs: number } | undefined
}

const RTT_GAIN = 1 / 8

export const createLane = (carrier: Carrier, nowMs: number, rttMs: number | undefined): Lane => ({
  carrier,
  cursor: 0,
  finSent: false,
  active: false,
  failed: false,
  ackDue: false,
  heardAtMs: nowMs,
  smoothedRttMs: rttMs,
  leastRttMs: rttMs,
  sample: undefined,
})

export function startSample(lane: Lane, offset: number, nowMs: number): void {
  lane.sample ??= { offset, atMs: nowMs }
}

/** An acknowledgement of all below `received` came in on this lane. */
export function endSample(lane: Lane, received: number, nowMs: number): void {
  if (lane.sample === undefined || received < lane.sample.offset) return
  const rttMs = nowMs - lane.sample.atMs
  lane.sample = undefined
  lane.leastRttMs = Math.min(lane.leastRttMs ?? rttMs, rttMs)
  lane.smoothedRttMs =
    lane.smoothedRttMs === undefined ? rttMs : lane.smoothedRttMs + RTT_GAIN * (rttMs - lane.smoothedRttMs)
}

/** Stall rule of DESIGN section 6: no ack progress for this long sends on another path too. */
export const MIN_STALL_MS = 150
const STALL_ROUND_TRIPS = 4
const MAX_STALL_MS = 2_000

/** @param repeats how often it has stalled in a row: each time is given twice as long as the one before */
export function stallLimitMs(lane: Lane | undefined, repeats: number): number {
  const base = Math.min(MAX_STALL_MS, Math.max(MIN_STALL_MS, STALL_ROUND_TRIPS * (lane?.smoothedRttMs ?? 0)))
  return Math.min(MAX_STALL_MS, base * 2 ** repeats)
}

const MIN_SILENCE_MS = 40
const SILENCE_ROUND_TRIPS = 2

/** Whether nothing has come in here for longer than an answer takes. */
export const isSilent = (lane: Lane, nowMs: number): boolean =>
  nowMs - lane.heardAtMs >= Math.max(MIN_SILENCE_MS, SILENCE_ROUND_TRIPS * (lane.smoothedRttMs ?? 0))
