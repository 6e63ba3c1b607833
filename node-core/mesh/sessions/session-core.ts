import type { Clock } from '../../platform/clock.ts'
import { createSendBuffer, type SendBuffer } from './send-buffer.ts'
import { MAX_PAYLOAD_BYTES, type ResetReason, type SessionFrame } from './session-frames.ts'

/** One path under a session: frames go in and out in order, until it breaks. */
export interface Carrier {
  /** Takes a frame. False when its buffer is full: `drained` follows. Never throws; a broken carrier drops it. */
  send(frame: SessionFrame): boolean
  readonly writable: boolean
  /** Smoothed round trip of the path, milliseconds; undefined where it was not measured yet. */
  readonly rttMs: number | undefined
}

export interface SessionCoreOptions {
  /** Bytes that the other end may send ahead of what the application took. */
  readonly windowBytes: number
}

export interface SessionEvents {
  /** The next bytes of the stream: each once, in order. Answer with `consumed` when they are out of memory. */
  deliver(payload: Uint8Array): void
  /** The other end has ended its stream, and all of it was delivered. */
  remoteEnded(): void
  /** `write` may be called again after it returned false. */
  writable(): void
  /** Both directions have ended and all is acknowledged. */
  finished(): void
  failed(reason: ResetReason): void
  /** No progress on the primary: the standby is being tried, or another path is wanted where there is none. */
  stalled(): void
  /** The standby proved itself and is the primary now. */
  promoted(carrier: Carrier): void
  /** The last carrier is gone: the session waits for another one. */
  orphaned(): void
}

/** DESIGN: no ack progress for max(150 ms, 4 x smoothed RTT) sends on the standby too. */
export const MIN_STALL_MS = 150
const MAX_STALL_MS = 2_000
/** What may be sent on a standby before it acknowledges anything. */
export const STANDBY_PROBE_BYTES = 256 * 1024
/** Written and unacknowledged bytes above which the writer has to wait. */
const SEND_HIGH_WATER_BYTES = 4 * 1024 * 1024

interface Lane {
  readonly carrier: Carrier
  /** Offset of the next byte to send here. */
  cursor: number
  finSent: boolean
  /** Carries data: the primary always, the standby while the primary stalls. */
  active: boolean
  /** An acknowledgement is due here. */
  ackDue: boolean
}

interface State {
  readonly send: SendBuffer
  /** Offset of the next byte to deliver. */
  received: number
  primary: Lane | undefined
  standby: Lane | undefined
  credit: number
  /** Highest offset ever sent, a FIN counts as one: what an acknowledgement may claim at most. */
  sent: number
  acked: number
  ended: boolean
  remoteFin: number | undefined
  remoteEnded: boolean
  consumed: number
  granted: number
  wantsWrite: boolean
  over: boolean
  progressAtMs: number
  stalls: number
  cancelTimer: (() => void) | undefined
}

/**
 * The resumable byte stream itself, without any I/O: what was written is kept until acknowledged, what arrives
 * twice is delivered once, and when the primary carrier makes no progress the standby repeats from the first unacknowledged byte.
 * Each end chooses the primary for its own direction.
 */
export interface SessionCore {
  /** Adds a carrier on which the other end has all below `peerReceived`. The first is the primary. */
  attach(carrier: Carrier, peer: { received: number; credit: number }, role: 'primary' | 'standby'): void
  detach(carrier: Carrier): void
  receive(carrier: Carrier, frame: SessionFrame): void
  drained(carrier: Carrier): void
  /** Queues bytes, without a copy. False when the writer should wait for `writable`. */
  write(bytes: Uint8Array): boolean
  end(): void
  abort(reason: ResetReason): void
  /** The application is done with `size` delivered bytes: the other end may send as many more. */
  consumed(size: number): void
  /** What a resume tells the other end. */
  position(): { received: number; credit: number }
  readonly unackedBytes: number
}

export function createSessionCore(
  deps: { readonly clock: Clock },
  options: SessionCoreOptions,
  events: SessionEvents,
): SessionCore {
  const state: State = {
    send: createSendBuffer(),
    received: 0,
    primary: undefined,
    standby: undefined,
    credit: 0,
    sent: 0,
    acked: 0,
    ended: false,
    remoteFin: undefined,
    remoteEnded: false,
    consumed: 0,
    granted: options.windowBytes,
    wantsWrite: false,
    over: false,
    progressAtMs: 0,
    stalls: 0,
    cancelTimer: undefined,
  }
  return new Core(deps.clock, options, events, state)
}

class Core implements SessionCore {
  readonly #clock: Clock
  readonly #options: SessionCoreOptions
  readonly #events: SessionEvents
  readonly #s: State

  constructor(clock: Clock, options: SessionCoreOptions, events: SessionEvents, state: State) {
    this.#clock = clock
    this.#options = options
    this.#events = events
    this.#s = state
  }

  get unackedBytes(): number {
    return this.#s.send.end - this.#s.send.start
  }

  attach(carrier: Carrier, peer: { received: number; credit: number }, role: 'primary' | 'standby'): void {
    const s = this.#s
    if (s.over) return
    const lane: Lane = { carrier, cursor: 0, finSent: false, active: false, ackDue: false }
    if (role === 'standby' && s.primary !== undefined) s.standby = lane
    else {
      s.standby = s.primary
      if (s.standby !== undefined) s.standby.active = false
      s.primary = lane
      lane.active = true
    }
    this.#acknowledged(lane, peer.received, peer.credit)
    if (lane.active) s.progressAtMs = this.#clock.monotonicMs()
    this.#pump(lane)
  }

  detach(carrier: Carrier): void {
    const s = this.#s
    if (s.standby?.carrier === carrier) s.standby = undefined
    if (s.primary?.carrier !== carrier || s.over) return
    s.primary = undefined
    if (s.standby === undefined) {
      this.#stopTimer()
      this.#events.orphaned()
      return
    }
    this.#promote(s.standby)
  }

  receive(carrier: Carrier, frame: SessionFrame): void {
    const s = this.#s
    const lane = this.#laneOf(carrier)
    if (lane === undefined || s.over) return
    switch (frame.kind) {
      case 'data':
        this.#onData(lane, frame.offset, frame.payload)
        break
      case 'fin':
        this.#onFin(lane, frame.offset)
        break
      case 'ack':
        this.#acknowledged(lane, frame.received, frame.credit)
        break
      case 'reset':
        this.#fail(frame.reason)
        break
    }
  }

  drained(carrier: Carrier): void {
    const lane = this.#laneOf(carrier)
    if (lane === undefined || this.#s.over) return
    if (lane.ackDue) this.#sendAck(lane)
    this.#pump(lane)
  }

  write(bytes: Uint8Array): boolean {
    const s = this.#s
    if (s.over || s.ended) return false
    s.send.push(bytes)
    if (s.primary !== undefined) this.#pump(s.primary)
    const room = this.unackedBytes < SEND_HIGH_WATER_BYTES
    s.wantsWrite = !room
    return room
  }

  end(): void {
    const s = this.#s
    if (s.over || s.ended) return
    s.ended = true
    if (s.primary !== undefined) this.#pump(s.primary)
  }

  abort(reason: ResetReason): void {
    const s = this.#s
    if (s.over) return
    for (const lane of [s.primary, s.standby]) lane?.carrier.send({ kind: 'reset', reason })
    this.#close()
  }

  consumed(size: number): void {
    const s = this.#s
    s.consumed += size
    const credit = s.consumed + this.#options.windowBytes
    // Each grant costs a frame: grant in quarters of the window.
    if (s.primary !== undefined && credit - s.granted >= this.#options.windowBytes / 4)
      this.#sendAck(s.primary)
  }

  position(): { received: number; credit: number } {
    const s = this.#s
    s.granted = Math.max(s.granted, s.consumed + this.#options.windowBytes)
    return { received: s.received + (s.remoteEnded ? 1 : 0), credit: s.granted }
  }

  #laneOf(carrier: Carrier): Lane | undefined {
    const s = this.#s
    return [s.primary, s.standby].find((lane) => lane?.carrier === carrier)
  }

  #onData(lane: Lane, offset: number, payload: Uint8Array): void {
    const s = this.#s
    const end = offset + payload.length
    // A lane leaves out only what was acknowledged: bytes that would leave a gap come from no honest peer.
    if (offset > s.received || end > s.granted || (s.remoteFin !== undefined && end > s.remoteFin)) {
      this.#violated()
      return
    }
    // Both carriers may bring the same bytes: the first delivery wins.
    const fresh = payload.subarray(Math.min(payload.length, s.received - offset))
    if (fresh.length > 0) {
      s.received = Math.max(s.received, end)
      this.#events.deliver(fresh)
    }
    this.#afterReceive(lane)
  }

  #onFin(lane: Lane, offset: number): void {
    const s = this.#s
    if (offset < s.received || (s.remoteFin !== undefined && s.remoteFin !== offset)) {
      this.#violated()
      return
    }
    s.remoteFin = offset
    this.#afterReceive(lane)
  }

  #afterReceive(lane: Lane): void {
    const s = this.#s
    if (!s.remoteEnded && s.remoteFin === s.received) {
      s.remoteEnded = true
      this.#events.remoteEnded()
    }
    this.#sendAck(lane)
    this.#finishIfDone()
  }

  /** Receipt is told at once, on the carrier that brought the bytes; credit is what the application has taken. */
  #sendAck(lane: Lane): void {
    if (this.#s.over) return
    lane.ackDue = !lane.carrier.writable
    if (!lane.ackDue) lane.carrier.send({ kind: 'ack', ...this.position() })
  }

  #acknowledged(lane: Lane, received: number, credit: number): void {
    const s = this.#s
    if (received > s.sent) {
      this.#violated()
      return
    }
    s.credit = Math.max(s.credit, credit)
    if (received > s.acked) {
      s.acked = received
      s.send.release(received)
      s.progressAtMs = this.#clock.monotonicMs()
      s.stalls = 0
      if (lane === s.standby && lane.active) this.#promote(lane)
      else if (lane === s.primary && s.standby !== undefined) s.standby.active = false
    }
    if (this.#finishIfDone()) return
    if (s.primary !== undefined) this.#pump(s.primary)
    if (s.wantsWrite && this.unackedBytes < SEND_HIGH_WATER_BYTES / 2) {
      s.wantsWrite = false
      this.#events.writable()
    }
  }

  #promote(lane: Lane): void {
    const s = this.#s
    const before = s.primary
    lane.active = true
    s.primary = lane
    s.standby = before
    if (before !== undefined) before.active = false
    s.progressAtMs = this.#clock.monotonicMs()
    this.#events.promoted(lane.carrier)
    this.#pump(lane)
  }

  /** Sends what may be sent on this lane now. */
  #pump(lane: Lane): void {
    const s = this.#s
    if (s.over || !lane.active) return
    const probe = lane === s.primary ? Number.POSITIVE_INFINITY : s.send.start + STANDBY_PROBE_BYTES
    const limit = Math.min(s.send.end, s.credit, probe)
    // What was acknowledged meanwhile, over either carrier, is not sent again. Neither is what this carrier has taken
    // before: it arrives, however late, or the carrier breaks.
    lane.cursor = Math.max(lane.cursor, s.send.start)
    const idle = s.acked >= s.sent
    while (lane.cursor < limit && lane.carrier.writable) {
      const payload = s.send.slice(lane.cursor, Math.min(MAX_PAYLOAD_BYTES, limit - lane.cursor))
      if (payload.length === 0) break
      lane.carrier.send({ kind: 'data', offset: lane.cursor, payload })
      lane.cursor += payload.length
    }
    s.sent = Math.max(s.sent, lane.cursor)
    if (s.ended && lane.cursor === s.send.end && !lane.finSent && lane.carrier.writable) {
      lane.finSent = true
      s.sent = Math.max(s.sent, s.send.end + 1)
      lane.carrier.send({ kind: 'fin', offset: s.send.end })
    }
    // The wait for an acknowledgement begins with the first byte on its way, not with the last one before a pause.
    if (idle && s.sent > s.acked) s.progressAtMs = this.#clock.monotonicMs()
    this.#armTimer()
  }

  #stallMs(): number {
    const s = this.#s
    const base = Math.max(MIN_STALL_MS, 4 * (s.primary?.carrier.rttMs ?? 0))
    return Math.min(Math.max(base, MAX_STALL_MS), base * 2 ** s.stalls)
  }

  #armTimer(): void {
    const s = this.#s
    if (s.cancelTimer !== undefined || s.over || s.primary === undefined || s.sent <= s.acked) return
    const dueMs = s.progressAtMs + this.#stallMs() - this.#clock.monotonicMs()
    s.cancelTimer = this.#clock.after(Math.max(1, dueMs), () => this.#onTimer())
  }

  #stopTimer(): void {
    this.#s.cancelTimer?.()
    this.#s.cancelTimer = undefined
  }

  #onTimer(): void {
    const s = this.#s
    s.cancelTimer = undefined
    if (s.over || s.primary === undefined || s.sent <= s.acked) return
    if (this.#clock.monotonicMs() - s.progressAtMs >= this.#stallMs()) {
      s.stalls = Math.min(s.stalls + 1, 10)
      s.progressAtMs = this.#clock.monotonicMs()
      if (s.standby !== undefined && !s.standby.active) {
        s.standby.active = true
        this.#pump(s.standby)
      }
      this.#events.stalled()
    }
    this.#armTimer()
  }

  #finishIfDone(): boolean {
    const s = this.#s
    if (s.over || !s.ended || !s.remoteEnded || s.acked !== s.send.end + 1) return s.over
    // The other end needs this last word to finish as well, so it does not wait for room.
    for (const lane of [s.primary, s.standby]) {
      if (lane?.ackDue === true) lane.carrier.send({ kind: 'ack', ...this.position() })
    }
    this.#close()
    this.#events.finished()
    return true
  }

  #violated(): void {
    this.abort('protocol-error')
    this.#events.failed('protocol-error')
  }

  #fail(reason: ResetReason): void {
    this.#close()
    this.#events.failed(reason)
  }

  #close(): void {
    const s = this.#s
    s.over = true
    this.#stopTimer()
    s.send.clear()
  }
}
