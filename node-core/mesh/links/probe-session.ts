import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { HostConnection } from '../host/host-connection.ts'
import { hostFault } from '../host/host-fault.ts'
import { createMessageFrames, type MessageFrames } from '../host/message-frames.ts'
import { initialStatus, type LinkEvidence, type LinkStatus, nextStatus } from './link-state.ts'
import { type LinkMeasures, PeerMonitor } from './peer-monitor.ts'
import { createPingDesk, type PingDesk } from './ping-desk.ts'
import {
  type ByeReason,
  decodeProbe,
  encodeProbe,
  MAX_PROBE_BYTES,
  NO_PING,
  type ProbeMessage,
} from './probe-codec.ts'
import { BUSY_INTERVAL_MS, IDLE_INTERVAL_MS, type Rhythm } from './rhythm.ts'
import { createTrafficMeter } from './traffic-meter.ts'

/** A link counts as busy for this long after the last traffic. */
const BUSY_HOLD_MS = 1_000
/** The end that dialled opens the probe stream within this time, or the connection is of no use. */
export const ATTACH_LIMIT_MS = 5_000

const BEAT_ANSWER = encodeProbe({ kind: 'pong', id: NO_PING })

/** What the owner of a session hears of it. */
export interface ProbeSessionEvents {
  onStatus(previous: LinkStatus, evidence: LinkEvidence): void
  onBye(reason: ByeReason): void
  /** The session cannot go on, and the connection with it. */
  onBroken(reason: string): void
}

/** The probes over one connection. */
export class ProbeSession {
  readonly connection: HostConnection
  readonly #clock: Clock
  readonly #events: ProbeSessionEvents
  readonly #monitor: PeerMonitor
  readonly #pings: PingDesk
  readonly #meter = createTrafficMeter()
  readonly #ended = new AbortController()
  #stream: Stream | undefined
  #frames: MessageFrames | undefined
  #status: LinkStatus
  #busyUntilMs = 0
  #rhythm: Rhythm
  #beatDueMs = 0

  constructor(clock: Clock, connection: HostConnection, events: ProbeSessionEvents) {
    this.connection = connection
    this.#clock = clock
    this.#events = events
    this.#monitor = new PeerMonitor(clock, connection.lastReceivedMs)
    this.#pings = createPingDesk(clock, this.#ended.signal)
    this.#status = initialStatus(clock.monotonicMs())
    this.#rhythm = { intervalMs: IDLE_INTERVAL_MS, sinceMs: clock.monotonicMs() }
  }

  get status(): LinkStatus {
    return this.#status
  }

  measures(): LinkMeasures {
    return this.#monitor.measures()
  }

  /** Since anything authentic came from the peer, ms. */
  silentMs(): number {
    return this.#monitor.silentMs()
  }

  /** Takes the probe stream of this connection. */
  attach(stream: Stream): void {
    this.#frames?.abort(new Error('the peer opened another probe stream'))
    this.#stream = stream
    this.#frames = createMessageFrames(stream, { maxFrameBytes: MAX_PROBE_BYTES })
    void this.#readAll(this.#frames)
    this.#sendBeat()
  }

  /**
   * Sends what is due and looks at the evidence; to be called every `BUSY_INTERVAL_MS`.
   *
   * @param calmUntilMs monotonic; until then no faster than an idle link
   */
  tick(lagMs: number, calmUntilMs = 0): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#frames === undefined) {
      if (nowMs - this.connection.openedAtMs > ATTACH_LIMIT_MS) {
        this.#events.onBroken('no probe stream was opened')
      }
      return
    }
    this.#followTraffic(nowMs, calmUntilMs)
    if (nowMs >= this.#beatDueMs) this.#sendBeat()
    const evidence = this.#monitor.evidence(this.#rhythm, lagMs)
    const previous = this.#status
    this.#status = nextStatus(previous, evidence, nowMs)
    if (this.#status.state !== previous.state) this.#events.onStatus(previous, evidence)
  }

  /** This process did not run for so long and could not hear the peer. */
  forgiveSilence(stalledMs: number): void {
    this.#monitor.forgiveSilence(stalledMs)
  }

  /** Probes fast for a while, as under traffic: something gives reason to doubt that the peer is still there. */
  hurry(): void {
    this.#busyUntilMs = this.#clock.monotonicMs() + BUSY_HOLD_MS
  }

  /**
   * Round trip of one probe, ms.
   *
   * @throws FaultError STREAM_CLOSED, ABORTED
   */
  async ping(signal: AbortSignal): Promise<number> {
    if (this.#frames === undefined) throw hostFault({ code: 'STREAM_CLOSED' }, 'the link is not ready yet')
    return await this.#pings.ping((id) => this.#send({ kind: 'ping', id }), signal)
  }

  sayBye(reason: ByeReason): void {
    this.#send({ kind: 'bye', reason })
  }

  stop(): void {
    this.#ended.abort()
    this.#frames?.abort(new Error('the link is over'))
  }

  #followTraffic(nowMs: number, calmUntilMs: number): void {
    const { connection } = this
    if (this.#meter.hasTraffic(connection.receivedBytes(), connection.line.sentBytes)) {
      this.#busyUntilMs = nowMs + BUSY_HOLD_MS
    }
    const isBusy = nowMs < this.#busyUntilMs && nowMs >= calmUntilMs
    const intervalMs = isBusy ? BUSY_INTERVAL_MS : IDLE_INTERVAL_MS
    if (intervalMs === this.#rhythm.intervalMs) return
    this.#rhythm = { intervalMs, sinceMs: nowMs }
    // The other end has to know of the new rhythm before it misses a beat of the old one.
    this.#beatDueMs = nowMs
  }

  #sendBeat(): void {
    const { intervalMs } = this.#rhythm
    this.#beatDueMs = this.#clock.monotonicMs() + intervalMs
    // Behind bytes that wait, another beat would say nothing new and only be late.
    if (this.#stream === undefined || this.#stream.writeBufferLength > 0) return
    this.#send(this.#monitor.nextBeat(intervalMs))
  }

  #send(message: ProbeMessage): void {
    if (this.#frames === undefined) return
    // That the stream has ended is seen by its reader.
    this.#frames.write(encodeProbe(message)).catch(() => undefined)
  }

  async #readAll(frames: MessageFrames): Promise<void> {
    try {
      for (;;) {
        const frame = await frames.read(this.#ended.signal)
        if (frame === undefined) throw hostFault({ code: 'STREAM_CLOSED' }, 'the peer ended its probes')
        this.#meter.probeReceived(frame.byteLength)
        await this.#receive(decodeProbe(frame), frames)
      }
    } catch (error) {
      if (!this.#ended.signal.aborted && this.#frames === frames) this.#events.onBroken(messageOf(error))
    }
  }

  async #receive(message: ProbeMessage | undefined, via: MessageFrames): Promise<void> {
    switch (message?.kind) {
      case undefined:
        throw hostFault({ code: 'STREAM_CLOSED' }, 'the peer sent something that is no probe')
      case 'beat':
        this.#monitor.receive(message)
        // What flows one way alone, like the adverts of others, makes one end busy and the other one not.
        if (message.intervalMs < this.#rhythm.intervalMs) await via.write(BEAT_ANSWER)
        return
      case 'ping':
        // Awaited, so that whoever floods pings without reading the answers is not read further.
        await via.write(encodeProbe({ kind: 'pong', id: message.id }))
        return
      case 'pong':
        this.#pings.answered(message.id)
        return
      case 'bye':
        this.#events.onBye(message.reason)
    }
  }
}
