import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import { createSendLine, type SendLine } from '../host/send-line.ts'
import { receiveFrom } from '../mux/mux-stream.ts'
import type { Carrier } from './lane.ts'
import {
  type AckFrame,
  createFrameDecoder,
  encodeHeader,
  HEADER_BYTES,
  type SessionFrame,
} from './session-frames.ts'

/** The part of a libp2p stream that a carrier uses. */
export type CarrierStream = Pick<
  Stream,
  'send' | 'close' | 'abort' | 'addEventListener' | 'status' | 'remoteWriteStatus' | 'writeBufferLength'
> &
  Parameters<typeof createSendLine>[0]

export interface CarrierOwner {
  received(frame: SessionFrame): void
  drained(): void
  /** The carrier is of no more use: the other end closed or reset it, its connection went away, or it broke the rules. */
  lost(why: string): void
}

/** Frames over a libp2p stream, after a first message of fixed length in each direction. */
export interface StreamCarrier extends Carrier {
  /** The other end's first message. Rejects when the carrier is lost before. */
  readonly hello: Promise<Uint8Array>
  sendHello(bytes: Uint8Array): void
  /** Frames go here from now on; those that came before are handed over first. */
  follow(owner: CarrierOwner): void
  /** Closes when what was sent is out. The owner is not told. */
  close(): void
  /** Resets the stream. The owner is not told. */
  abort(reason: string): void
}

export interface CarrierOptions {
  readonly helloBytes: number
}

/** Frames that came before anybody followed: an honest end sends what one credit allows at most. */
const MAX_EARLY_BYTES = 512 * 1024
/** How long a closed carrier may take to hand over its last bytes, and the other end to close as well. */
const CLOSE_LIMIT_MS = 5_000
/** Of a turn, for the frames that are no data: an acknowledgement, a question, an end. */
const SMALL_FRAMES_BYTES = 64

export function createCarrier(
  deps: { readonly clock: Clock; readonly stream: CarrierStream; readonly line: SendLine | undefined },
  options: CarrierOptions,
): StreamCarrier {
  return new LibP2PCarrier(deps.clock, deps.stream, deps.line ?? createSendLine(deps.stream), options)
}

class LibP2PCarrier implements StreamCarrier {
  readonly hello: Promise<Uint8Array>
  readonly #clock: Clock
  readonly #stream: CarrierStream
  readonly #line: SendLine
  readonly #settleHello: { resolve(bytes: Uint8Array): void; reject(error: Error): void }
  readonly #helloBytes: Uint8Array
  readonly #decoder = createFrameDecoder((frame) => this.#owner?.received(frame))
  readonly #takeTurn = (): void => this.#sendBatch()
  /** What came behind the hello before anybody followed. */
  #early: Uint8Array[] | undefined = []
  #earlyBytes = 0
  #helloHeld = 0
  #owner: CarrierOwner | undefined
  #batch = new Uint8ArrayList()
  #ack: AckFrame | undefined
  #greeting: Uint8Array | undefined
  #isScheduled = false
  #waitsForWindow = false
  /** The batch begins within a frame, whose begin has been sent: nothing may come before it. */
  #isCut = false
  /** Set while the rest of such a frame waits for more to go with. */
  #rest: NodeJS.Immediate | undefined
  #state: 'open' | 'closing' | 'over' = 'open'
  #lostWhy: string | undefined

  constructor(clock: Clock, stream: CarrierStream, line: SendLine, { helloBytes }: CarrierOptions) {
    this.#clock = clock
    this.#stream = stream
    this.#line = line
    this.#helloBytes = new Uint8Array(helloBytes)
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.hello = promise
    this.#settleHello = { resolve, reject }
    // Nobody may be waiting for it when the carrier is lost.
    promise.catch(() => undefined)
    this.#listen()
  }

  get writable(): boolean {
    return this.room > 0
  }

  /** What waits for its turn fills that turn at most; more would only make it older than it needs to be. */
  get room(): number {
    if (this.#state !== 'open' || this.#waitsForWindow) return 0
    return this.#line.turnBytes - SMALL_FRAMES_BYTES - HEADER_BYTES - this.#batch.byteLength
  }

  send(frame: SessionFrame): void {
    if (this.#state !== 'open') return
    if (frame.kind === 'ack') this.#ack = frame
    else {
      this.#batch.append(encodeHeader(frame))
      if (frame.kind === 'data') this.#batch.append(frame.payload)
    }
    this.#schedule()
  }

  sendHello(bytes: Uint8Array): void {
    if (this.#state !== 'open') return
    this.#greeting = bytes
    this.#schedule()
  }

  follow(owner: CarrierOwner): void {
    this.#owner = owner
    const early = this.#early ?? []
    this.#early = undefined
    for (const bytes of early) this.#takeFrames(bytes)
    if (this.#lostWhy !== undefined && this.#state !== 'over') this.#tellLost(this.#lostWhy)
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    this.#owner = undefined
    const cancel = this.#clock.after(CLOSE_LIMIT_MS, () => {
      this.#finish()
      this.#stream.abort(new Error('the carrier took too long to close'))
    })
    this.#stream.addEventListener('close', cancel)
    this.#schedule()
  }

  abort(reason: string): void {
    if (this.#state === 'over') return
    this.#finish()
    this.#settleHello.reject(new Error(reason))
    this.#stream.abort(new Error(reason))
  }

  #listen(): void {
    const stream = this.#stream
    receiveFrom(stream, (bytes) => this.#take(bytes))
    stream.addEventListener('idle', () => {
      if (!this.#waitsForWindow) return
      this.#waitsForWindow = false
      // In a microtask, because bytes sent from within this event stay behind.
      queueMicrotask(() => this.#proceed())
    })
    // `end` comes after the last buffered byte was handed out.
    stream.addEventListener('end', () => this.#lose('the other end closed the carrier'))
    stream.addEventListener('close', ({ error }) =>
      this.#lose(error === undefined ? 'the carrier closed' : messageOf(error)),
    )
    if (stream.status !== 'open' || stream.remoteWriteStatus === 'closed') {
      // What had arrived by then is handed out in a later turn.
      queueMicrotask(() => this.#lose('the carrier closed early'))
    }
  }

  #take(bytes: Uint8Array): void {
    if (this.#state === 'over') return
    const missing = this.#helloBytes.length - this.#helloHeld
    if (missing === 0) this.#takeFrames(bytes)
    else {
      this.#helloBytes.set(bytes.subarray(0, missing), this.#helloHeld)
      this.#helloHeld += Math.min(missing, bytes.length)
      if (this.#helloHeld < this.#helloBytes.length) return
      this.#settleHello.resolve(this.#helloBytes)
      if (bytes.length > missing) this.#takeFrames(bytes.subarray(missing))
    }
  }

  #takeFrames(bytes: Uint8Array): void {
    if (this.#early !== undefined) {
      this.#early.push(bytes)
      this.#earlyBytes += bytes.length
      if (this.#earlyBytes > MAX_EARLY_BYTES) this.abort('too much came too early')
      return
    }
    if (this.#decoder.push(bytes) || this.#state === 'over') return
    this.#tellLost('what came is no frame')
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waitsForWindow) return
    this.#isScheduled = true
    // All that is sent in one go leaves in one piece.
    queueMicrotask(() => {
      this.#isScheduled = false
      if (this.#state !== 'over') this.#line.request(this.#takeTurn)
    })
  }

  #sendBatch(): void {
    if (this.#state === 'over' || this.#waitsForWindow) return
    let batch = this.#batch
    if (this.#ack !== undefined) {
      const ack = encodeHeader(this.#ack)
      if (this.#isCut) batch.append(ack)
      else batch.prepend(ack)
      this.#ack = undefined
    }
    if (this.#greeting !== undefined) {
      batch.prepend(this.#greeting)
      this.#greeting = undefined
    }
    if (batch.byteLength > 0) {
      this.#dropRest()
      const whole = this.#wholeFrames(batch.byteLength)
      this.#batch = batch.sublist(whole)
      batch = batch.sublist(0, whole)
      this.#isCut = this.#batch.byteLength > 0
      if (this.#isCut) this.#rest = setImmediate(() => this.#flushRest())
      this.#line.noteSent(batch.byteLength)
      try {
        this.#stream.send(batch)
      } catch (error) {
        this.#lose(messageOf(error))
        return
      }
      this.#waitsForWindow = this.#stream.writeBufferLength > 0
    }
    if (!this.#waitsForWindow) this.#proceed()
  }

  /**
   * What of a batch goes now. A small rest behind whole frames waits until the end of this turn of the event loop: what
   * a socket delivers is a little more than a frame, so that every second frame would be a tiny one.
   */
  #wholeFrames(sizeBytes: number): number {
    const { frameBytes } = this.#line
    const rest = sizeBytes % frameBytes
    return this.#state === 'open' && sizeBytes > frameBytes && rest < frameBytes / 2
      ? sizeBytes - rest
      : sizeBytes
  }

  #flushRest(): void {
    this.#rest = undefined
    this.#schedule()
  }

  #dropRest(): void {
    clearImmediate(this.#rest)
    this.#rest = undefined
  }

  /** The stream has taken all: more is wanted, or it is time to close. */
  #proceed(): void {
    if (this.#state === 'over') return
    this.#owner?.drained()
    const isRest =
      this.#state === 'open' && this.#rest !== undefined && this.#batch.byteLength < this.#line.frameBytes
    if ((this.#batch.byteLength > 0 && !isRest) || this.#ack !== undefined) this.#schedule()
    else if (this.#state === 'closing') {
      this.#finish()
      this.#stream.close().catch(() => undefined)
    }
  }

  #lose(why: string): void {
    if (this.#state === 'over' || this.#lostWhy !== undefined) return
    this.#lostWhy = why
    this.#settleHello.reject(new Error(why))
    if (this.#early === undefined) this.#tellLost(why)
  }

  #tellLost(why: string): void {
    const owner = this.#owner
    this.#finish()
    this.#stream.abort(new Error(why))
    owner?.lost(why)
  }

  #finish(): void {
    this.#state = 'over'
    this.#owner = undefined
    this.#early = undefined
    this.#batch = new Uint8ArrayList()
    this.#ack = undefined
    this.#dropRest()
    this.#line.withdraw(this.#takeTurn)
  }
}
