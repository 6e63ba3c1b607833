import { chance } from './seeded.ts'
import type { DirectionState } from './state.ts'

/** A piece of a stream and when it may leave. */
export interface Scheduled {
  readonly bytes: Buffer
  readonly dueMs: number
}

/** What all connections of one direction of a link share. */
export interface Bandwidth {
  /** When the last byte that was given to the link will be through. */
  freeAtMs: number
}

/** Ethernet's payload without the headers of IPv4 and TCP. */
export const SEGMENT_BYTES = 1_460
/** RFC 5681 3.2: three duplicate acks, so three segments behind the lost one, make TCP send it again at once. */
const SEGMENTS_FOR_FAST_RETRANSMIT = 3
/** A local network's round trip and the ack delay of the far end, roughly. */
const FAST_RETRANSMIT_MS = 20
/** RFC 6298 5.5 doubles without end; Linux stops at 120 s, a lab earlier. */
const MAX_BACKOFFS = 6
/** A throttled direction lets bytes out this often. */
const PIECES_PER_SECOND = 50

/**
 * Decides when the bytes of one direction of one connection leave: first the bandwidth of the link, then its delay,
 * then retransmissions. What is due before the bytes ahead of it waits for them in the queue. Chance depends on the seed and the place in the stream, so that the same
 * bytes meet the same losses however they are cut into chunks.
 */
export class Schedule {
  readonly #seed: number
  readonly #bandwidth: Bandwidth
  #offset = 0
  #chunks = 0

  constructor(seed: number, bandwidth: Bandwidth) {
    this.#seed = seed
    this.#bandwidth = bandwidth
  }

  /** These bytes passed by the schedule: nothing shapes them. */
  skip(sizeBytes: number): void {
    this.#offset += sizeBytes
  }

  /** A queue that was emptied no longer takes up bandwidth. */
  reset(nowMs: number): void {
    this.#bandwidth.freeAtMs = Math.min(this.#bandwidth.freeAtMs, nowMs)
  }

  plan(chunk: Buffer, state: DirectionState, nowMs: number): Scheduled[] {
    this.#chunks += 1
    return this.#serialize(chunk, state, nowMs).flatMap(({ bytes, dueMs }) =>
      this.#lose(bytes, state, dueMs + this.#delayOf(state)),
    )
  }

  #serialize(chunk: Buffer, { throttle }: DirectionState, nowMs: number): Scheduled[] {
    if (throttle === null) return [{ bytes: chunk, dueMs: nowMs }]
    const { bytesPerSecond } = throttle
    const size = Math.max(1, Math.min(chunk.length, Math.ceil(bytesPerSecond / PIECES_PER_SECOND)))
    const pieces: Scheduled[] = []
    for (let at = 0; at < chunk.length; at += size) {
      const bytes = chunk.subarray(at, at + size)
      const startMs = Math.max(nowMs, this.#bandwidth.freeAtMs)
      this.#bandwidth.freeAtMs = startMs + (bytes.length / bytesPerSecond) * 1_000
      pieces.push({ bytes, dueMs: this.#bandwidth.freeAtMs })
    }
    return pieces
  }

  #delayOf({ delay }: DirectionState): number {
    if (delay === null) return 0
    const swing = (2 * chance(this.#seed, 1, this.#chunks) - 1) * delay.jitterMs
    return Math.max(0, delay.ms + swing)
  }

  /** Cuts a piece before each lost segment: what is before it arrives in time, what is behind it waits. */
  #lose(bytes: Buffer, state: DirectionState, arrivalMs: number): Scheduled[] {
    const pieces: Scheduled[] = []
    const from = this.#offset
    this.#offset += bytes.length
    const add = (start: number, end: number, dueMs: number): void => {
      if (end > start) pieces.push({ bytes: bytes.subarray(start, end), dueMs })
    }
    let start = 0
    let dueMs = arrivalMs
    if (state.loss !== null) {
      const first = Math.ceil(from / SEGMENT_BYTES)
      for (let segment = first; segment * SEGMENT_BYTES < this.#offset; segment++) {
        const at = segment * SEGMENT_BYTES - from
        const stallMs = this.#stallOf(segment, bytes.length - at, state)
        if (stallMs === 0) continue
        add(start, at, dueMs)
        start = at
        dueMs = Math.max(dueMs, arrivalMs + stallMs)
      }
    }
    add(start, bytes.length, dueMs)
    return pieces
  }

  /** How much later a segment arrives because it, and perhaps its retransmissions, were lost. */
  #stallOf(segment: number, behindBytes: number, { loss, delay }: DirectionState): number {
    if (loss === null || chance(this.#seed, 2, segment, 0) >= loss.rate) return 0
    const isFast = behindBytes > SEGMENTS_FOR_FAST_RETRANSMIT * SEGMENT_BYTES
    let stallMs = isFast ? FAST_RETRANSMIT_MS + 2 * (delay?.ms ?? 0) : loss.rtoMs
    for (let again = 1; again <= MAX_BACKOFFS && chance(this.#seed, 2, segment, again) < loss.rate; again++) {
      stallMs += loss.rtoMs * 2 ** again
    }
    return stallMs
  }
}
