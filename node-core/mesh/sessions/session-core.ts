import type { CoreView, SessionCore, SessionCoreDeps, SessionEvents } from './core-contract.ts'
import {
  type Carrier,
  createLane,
  endSample,
  isSilent,
  type Lane,
  stallLimitMs,
  startSample,
} from './lane.ts'
import { createPipe } from './pipe.ts'
import { createReceiveSide, type Position, type ReceiveSide, type WindowOptions } from './receive-side.ts'
import { createSendBuffer, type SendBuffer } from './send-buffer.ts'
import { MAX_PAYLOAD_BYTES, type ResetReason, type SessionFrame } from './session-frames.ts'
import { createWatch, type Watch } from './watch.ts'

/** What may be sent on a standby before it acknowledges anything. */
const STANDBY_PROBE_BYTES = 256 * 1024
export function createSessionCore(
  deps: SessionCoreDeps,
  options: WindowOptions,
  events: SessionEvents,
): SessionCore {
  return new Core(deps, options, events)
}

class Core implements SessionCore {
  readonly #deps: SessionCoreDeps
  readonly #receiving: ReceiveSide
  readonly #events: SessionEvents
  readonly #send: SendBuffer = createSendBuffer()
  readonly #watch: Watch
  readonly #pipe = createPipe()
  #lanes: readonly Lane[] = []
  #primary: Lane | undefined
  #credit = 0
  /** Highest offset ever sent, a FIN counts as one: what an acknowledgement may claim at most. */
  #sent = 0
  #acked = 0
  #ended = false
  #over = false
  #settles = false

  constructor(deps: SessionCoreDeps, options: WindowOptions, events: SessionEvents) {
    this.#deps = deps
    this.#receiving = createReceiveSide(options)
    this.#events = events
    this.#watch = createWatch(deps.clock, {
      limitMs: (repeats) => stallLimitMs(this.#primary, repeats),
      onStall: () => this.#onStall(),
      onBlocked: () => this.#ask(),
    })
  }

  get unackedBytes(): number {
    return this.#send.end - this.#send.start
  }
  get roomBytes(): number {
    return this.#pipe.roomBytes
  }
  get isOver(): boolean {
    return this.#over
  }

  attach(carrier: Carrier, peer: Position, role: 'primary' | 'standby', rttMs?: number): void {
    if (this.#over) return
    const lane = createLane(carrier, this.#deps.clock.monotonicMs(), rttMs)
    this.#lanes = [...this.#lanes, lane]
    if (!this.#accepts(lane, peer)) return
    if (role === 'primary' || this.#primary === undefined) this.#promote(lane)
    // In a stall any new carrier is a chance.
    else if (this.#watch.isStalled) this.#activate(lane)
  }

  detach(carrier: Carrier): void {
    const lane = this.#laneOf(carrier)
    if (lane === undefined) return
    this.#lanes = this.#lanes.filter((other) => other !== lane)
    if (lane !== this.#primary || this.#over) return
    this.#primary = undefined
    const next = this.#lanes.find(({ failed }) => !failed) ?? this.#lanes[0]
    if (next !== undefined) this.#promote(next)
    else {
      this.#watch.stop()
      this.#events.orphaned()
    }
  }

  receive(carrier: Carrier, frame: SessionFrame): void {
    const lane = this.#laneOf(carrier)
    if (lane === undefined || this.#over) return
    switch (frame.kind) {
      case 'data':
        this.#onData(lane, frame.offset, frame.payload)
        break
      case 'fin':
        this.#onFin(lane, frame.offset)
        break
      case 'ack':
        this.#accepts(lane, frame)
        break
      case 'ask':
        this.#oweAck(lane)
        break
      case 'reset':
        this.#close()
        this.#events.failed(frame.reason)
        break
    }
    lane.heardAtMs = this.#deps.clock.monotonicMs()
    lane.failed = false
  }

  drained(carrier: Carrier): void {
    const lane = this.#laneOf(carrier)
    if (lane !== undefined) this.#pump(lane)
  }

  write(bytes: Uint8Array): void {
    if (this.#over || this.#ended) return
    this.#send.push(bytes)
    this.#pumpAll()
  }

  end(): void {
    if (this.#over || this.#ended) return
    this.#ended = true
    this.#pumpAll()
  }

  abort(reason: ResetReason): void {
    if (this.#over) return
    // What has arrived has arrived: with that the other end may be done, and no reset harms it.
    this.#settle()
    for (const { carrier } of this.#lanes) carrier.send({ kind: 'reset', reason })
    this.#close()
  }

  finishedThere(): boolean {
    if (this.#over) return false
    // Only an end that had everything and gave everything can have finished.
    if (!this.#ended || !this.#receiving.isComplete || this.#sent !== this.#send.end + 1) return false
    this.#progress(this.#sent)
    return true
  }

  consumed(size: number): void {
    if (this.#over) return
    const isWorthIt = this.#receiving.consumed(size)
    if (isWorthIt && this.#primary !== undefined) this.#oweAck(this.#primary)
  }

  position(): Position {
    return this.#receiving.position()
  }

  view(): CoreView {
    return {
      primary: this.#primary?.carrier,
      failed: this.#lanes.filter(({ failed }) => failed).map(({ carrier }) => carrier),
      smoothedRttMs: this.#primary?.smoothedRttMs,
      sentBytes: Math.min(this.#sent, this.#send.end),
      receivedBytes: this.#receiving.received,
      unackedBytes: this.unackedBytes,
      waitingMs: this.#watch.waitingMs,
      longestGapMs: this.#watch.longestGapMs,
    }
  }

  #laneOf(carrier: Carrier): Lane | undefined {
    return this.#lanes.find((lane) => lane.carrier === carrier)
  }

  #onData(lane: Lane, offset: number, payload: Uint8Array): void {
    const fresh = this.#receiving.take(offset, payload)
    if (fresh === undefined) {
      this.#violated()
      return
    }
    lane.ackDue = true
    if (fresh.length > 0) {
      this.#events.deliver(fresh)
      this.#followOver(lane)
      this.#endIfComplete()
    }
    this.#settleSoon()
  }

  /** New bytes over another carrier, and nothing over the primary: the other end has given that one up. */
  #followOver(lane: Lane): void {
    const primary = this.#primary
    if (lane === primary || primary === undefined || this.#over) return
    if (isSilent(primary, this.#deps.clock.monotonicMs())) this.#promote(lane)
  }

  #onFin(lane: Lane, offset: number): void {
    if (!this.#receiving.end(offset)) {
      this.#violated()
      return
    }
    lane.ackDue = true
    this.#endIfComplete()
    this.#settleSoon()
  }

  #endIfComplete(): void {
    if (this.#over || !this.#receiving.completes()) return
    this.#events.remoteEnded()
    this.#finishIfDone()
  }

  /** Receipt is told on the carrier that brought the bytes; credit is what the application has taken. */
  #oweAck(lane: Lane): void {
    lane.ackDue = true
    this.#settleSoon()
  }

  #settleSoon(): void {
    if (this.#settles || this.#over) return
    this.#settles = true
    this.#deps.defer(() => {
      this.#settles = false
      if (!this.#over) this.#settle()
    })
  }

  #settle(): void {
    for (const lane of this.#lanes) this.#sendDueAck(lane)
  }

  #sendDueAck(lane: Lane): void {
    if (!lane.ackDue) return
    lane.ackDue = false
    lane.carrier.send({ kind: 'ack', ...this.position() })
  }

  /** Takes what the other end says it has. False when it says what cannot be. */
  #accepts(lane: Lane, { received, credit }: Position): boolean {
    if (received > this.#sent) {
      this.#violated()
      return false
    }
    endSample(lane, received, this.#deps.clock.monotonicMs())
    const hasMoreCredit = credit > this.#credit
    if (hasMoreCredit) this.#credit = credit
    if (received > this.#acked) {
      this.#progress(received)
      if (this.#over) return true
      if (lane !== this.#primary && lane.active) this.#promote(lane)
      else if (lane === this.#primary) this.#deactivateOthers()
    } else if (!hasMoreCredit) return true
    this.#pumpAll()
    return true
  }

  #progress(received: number): void {
    const before = this.#send.start
    this.#acked = received
    this.#send.release(received)
    this.#watch.progressed(this.#sent > this.#acked)
    const nowMs = this.#deps.clock.monotonicMs()
    this.#pipe.acknowledged(this.#send.start - before, nowMs, this.#primary?.leastRttMs)
    this.#events.released(this.#send.start - before)
    if (this.#ended && this.#acked === this.#send.end + 1) this.#events.flushed()
    this.#finishIfDone()
  }

  #promote(lane: Lane): void {
    this.#primary = lane
    lane.failed = false
    this.#deactivateOthers()
    this.#watch.restart()
    this.#activate(lane)
    this.#events.promoted(lane.carrier)
  }

  #deactivateOthers(): void {
    for (const other of this.#lanes) if (other !== this.#primary) other.active = false
  }

  #activate(lane: Lane): void {
    lane.active = true
    this.#pump(lane)
  }

  #pumpAll(): void {
    for (const lane of this.#lanes) this.#pump(lane)
  }

  /** Sends what may be sent on this lane now. */
  #pump(lane: Lane): void {
    if (this.#over || !lane.active) return
    const { carrier } = lane
    const probe = lane === this.#primary ? Number.POSITIVE_INFINITY : this.#send.start + STANDBY_PROBE_BYTES
    const limit = Math.min(this.#send.end, this.#credit, probe)
    // What was acknowledged meanwhile, over any carrier, is not sent again. Neither is what this carrier has taken
    // before: it arrives, however late, or the carrier breaks.
    lane.cursor = Math.max(lane.cursor, this.#send.start)
    while (lane.cursor < limit && carrier.writable) {
      const payload = this.#send.slice(
        lane.cursor,
        Math.min(MAX_PAYLOAD_BYTES, carrier.room, limit - lane.cursor),
      )
      if (payload.length === 0) break
      this.#sendDueAck(lane)
      carrier.send({ kind: 'data', offset: lane.cursor, payload })
      lane.cursor += payload.length
      startSample(lane, lane.cursor, this.#deps.clock.monotonicMs())
    }
    this.#sent = Math.max(this.#sent, lane.cursor)
    if (this.#ended && lane.cursor === this.#send.end && !lane.finSent && carrier.writable) {
      lane.finSent = true
      this.#sent = Math.max(this.#sent, this.#send.end + 1)
      this.#sendDueAck(lane)
      carrier.send({ kind: 'fin', offset: this.#send.end })
    }
    if (this.#sent > this.#acked) this.#watch.sent()
    else if (this.#send.end > this.#credit) this.#watch.blocked()
  }

  #onStall(): void {
    if (this.#over) return
    for (const lane of this.#lanes) {
      lane.sample = undefined
      if (lane.active) lane.failed = true
    }
    const next = this.#lanes.find(({ active, failed }) => !active && !failed)
    const another = next ?? this.#lanes.find(({ active }) => !active)
    if (another !== undefined) this.#activate(another)
    this.#events.stalled()
  }

  /** The grant that is waited for may have been on a carrier that is dead. */
  #ask(): void {
    for (const { carrier } of this.#lanes) carrier.send({ kind: 'ask' })
  }

  #finishIfDone(): void {
    if (this.#over || !this.#ended || !this.#receiving.isComplete || this.#acked !== this.#send.end + 1)
      return
    // The other end needs this last word to finish as well.
    this.#settle()
    this.#close()
    this.#events.finished()
  }

  #violated(): void {
    this.abort('protocol-error')
    this.#events.failed('protocol-error')
  }

  #close(): void {
    this.#over = true
    this.#watch.stop()
    const unacked = this.unackedBytes
    this.#send.clear()
    if (unacked > 0) this.#events.released(unacked)
  }
}
