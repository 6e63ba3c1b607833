import type { AbortOptions, MessageStream, StreamMuxerFactory } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_TEXT_BYTES } from '../../noise-hfs/frames.ts'
import { SecuredStream } from '../../noise-hfs/secured-stream.ts'
import type { Clock } from '../../platform/clock.ts'
import { hasCode } from '../../platform/error.ts'
import { hostFault } from '../host/host-fault.ts'
import {
  broken,
  createMuxDecoder,
  encodeHeader,
  FLAG,
  FRAME,
  GO_AWAY,
  type MuxHeader,
  maxDataBytes,
} from './mux-frames.ts'
import { type MuxLink, MuxStream } from './mux-stream.ts'

const PROTOCOL = '/yamux/1.0.0'
/** Keeps routers on the way from forgetting an idle connection, and tells a route that it is alive. */
const PING_INTERVAL_MS = 30_000

export interface MuxerLimits {
  /** Streams that the other end may have open. */
  readonly maxInboundStreams: number
  readonly maxOutboundStreams: number
  /** Streams that may arrive before anybody listens for them. */
  readonly maxEarlyStreams: number
}

/**
 * Streams over one connection, in the frames of yamux. It differs from @libp2p/yamux 8.0.3 in what a byte costs, and in
 * three rules: windows have one size from the start, credit is gathered before it is granted, and data frames fit into
 * one frame of the cipher.
 */
export function createMuxers(clock: Clock, limits: MuxerLimits): StreamMuxerFactory {
  return {
    protocol: PROTOCOL,
    createStreamMuxer: (carrier: MessageStream) => new Muxer(clock, carrier, limits),
  }
}

class Muxer extends AbstractStreamMuxer<MuxStream> implements MuxLink {
  readonly #clock: Clock
  readonly #limits: MuxerLimits
  readonly #isOpener: boolean
  readonly #maxDataBytes: number
  readonly #secured: SecuredStream | undefined
  readonly #byId = new Map<number, MuxStream>()
  readonly #decoder = createMuxDecoder({
    header: (header) => this.#takeHeader(header),
    data: (bytes) => this.#current?.receive(bytes),
    dataEnd: () => this.#endData(),
    // Frames of streams that are gone may still be on their way.
    bare: ({ streamId }, bytes) => this.#byId.get(streamId)?.receiveBare(bytes),
  })
  #nextStreamId: number
  #nextPing = 0
  #cancelPing: (() => void) | undefined
  #saidGoodbye = false
  #heardGoodbye = false
  /** The stream of the data frame that has begun, and its flags. */
  #current: MuxStream | undefined
  #currentFlags: number = FLAG.none

  constructor(clock: Clock, carrier: MessageStream, limits: MuxerLimits) {
    super(carrier, { protocol: PROTOCOL, name: 'mux', maxEarlyStreams: limits.maxEarlyStreams })
    this.#clock = clock
    this.#limits = limits
    this.#isOpener = carrier.direction === 'outbound'
    // The end that dialled uses odd ids.
    this.#nextStreamId = this.#isOpener ? 1 : 2
    this.#maxDataBytes = maxDataBytes(
      carrier instanceof SecuredStream ? carrier : { maxTextBytes: MAX_TEXT_BYTES },
    )
    if (carrier instanceof SecuredStream) {
      this.#secured = carrier
      carrier.shortcut(
        (text) => this.#receive(() => this.#decoder.push(text)),
        (text) => this.#receive(() => this.#decoder.pushBare(text)),
      )
    }
    this.#pingLater()
  }

  override onData(data: Uint8Array | Uint8ArrayList): void {
    for (const bytes of data instanceof Uint8ArrayList ? data : [data]) this.#decoder.push(bytes)
  }

  /** What the superclass does around `onData`. */
  #receive(take: () => void): void {
    try {
      take()
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      this.abort(cause)
      this.maConn.abort(cause)
    }
  }

  override onCreateStream(): MuxStream {
    if (this.#saidGoodbye || this.#heardGoodbye) {
      throw hostFault({ code: 'STREAM_CLOSED' }, 'the connection is closing')
    }
    const outbound = this.streams.reduce((n, { direction }) => n + (direction === 'outbound' ? 1 : 0), 0)
    if (outbound >= this.#limits.maxOutboundStreams) {
      throw hostFault({ code: 'STREAM_CLOSED' }, 'the connection carries no more streams')
    }
    const stream = this.#newStream(this.#nextStreamId, 'outbound')
    this.#nextStreamId += 2
    // Later, so that the superclass knows the stream before the other end can answer.
    queueMicrotask(() => stream.greet())
    return stream
  }

  #newStream(streamId: number, direction: 'inbound' | 'outbound'): MuxStream {
    const log = this.log.newScope(`${direction}:${streamId}`)
    const stream = new MuxStream(this, { streamId, direction, log })
    this.#byId.set(streamId, stream)
    stream.addEventListener('close', () => this.#byId.delete(streamId))
    return stream
  }

  sendData(streamId: number, flags: number, data: Uint8Array | Uint8ArrayList): boolean {
    const { byteLength } = data
    const frame = (first: number, part: Uint8Array | Uint8ArrayList): [Uint8Array, typeof part] => [
      encodeHeader({ type: FRAME.data, flags: first, streamId, length: part.byteLength }),
      part,
    ]
    if (byteLength <= this.#maxDataBytes) return this.send(new Uint8ArrayList(...frame(flags, data)))
    const list = data instanceof Uint8ArrayList ? data : new Uint8ArrayList(data)
    const out = new Uint8ArrayList()
    for (let at = 0; at < byteLength; at += this.#maxDataBytes) {
      const part = list.sublist(at, Math.min(byteLength, at + this.#maxDataBytes))
      out.append(...frame(at === 0 ? flags : FLAG.none, part))
    }
    return this.send(out)
  }

  sendBare(streamId: number, data: Uint8Array | Uint8ArrayList): boolean {
    const secured = this.#secured
    if (secured === undefined) return this.sendData(streamId, FLAG.none, data)
    let canSendMore = true
    const sendPart = (part: Uint8Array | Uint8ArrayList): boolean =>
      secured.sendBare(
        encodeHeader({ type: FRAME.data, flags: FLAG.none, streamId, length: part.byteLength }),
        part,
      )
    if (data.byteLength <= this.#maxDataBytes) canSendMore = sendPart(data)
    else {
      const list = data instanceof Uint8ArrayList ? data : new Uint8ArrayList(data)
      for (let at = 0; at < list.byteLength; at += this.#maxDataBytes) {
        canSendMore = sendPart(list.sublist(at, Math.min(list.byteLength, at + this.#maxDataBytes)))
      }
    }
    if (!canSendMore) for (const stream of this.streams) stream.onMuxerNeedsDrain()
    return canSendMore
  }

  sendFrame(header: MuxHeader): void {
    this.send(encodeHeader(header))
  }

  #takeHeader(header: MuxHeader): void {
    const { type, flags, streamId, length } = header
    if (streamId === 0) {
      this.#takeSessionFrame(header)
      return
    }
    if (type !== FRAME.data && type !== FRAME.windowUpdate) throw broken('a frame of an unknown type')
    if ((flags & FLAG.syn) !== 0) this.#accept(streamId)
    // Frames of streams that are gone may still be on their way.
    const stream = this.#byId.get(streamId)
    if (type === FRAME.data) {
      stream?.expect(length)
      this.#current = stream
      this.#currentFlags = flags
      return
    }
    if (stream === undefined) return
    if (length > 0) stream.granted(length)
    endBy(stream, flags)
  }

  #endData(): void {
    const stream = this.#current
    this.#current = undefined
    if (stream !== undefined) endBy(stream, this.#currentFlags)
  }

  #takeSessionFrame({ type, flags, length }: MuxHeader): void {
    if (type === FRAME.ping) {
      if ((flags & FLAG.syn) === 0) return
      this.sendFrame({ type: FRAME.ping, flags: FLAG.ack, streamId: 0, length })
    } else if (type === FRAME.goAway) {
      this.#heardGoodbye = true
      if (length === GO_AWAY.normal) this.onTransportClosed()
      else this.abort(new Error('the other end broke off the connection'))
    } else throw broken('a frame of an unknown type')
  }

  #accept(streamId: number): void {
    if (this.#isOpener === (streamId % 2 === 1)) throw broken('a stream with an id of this end')
    if (this.#byId.has(streamId)) return
    const inbound = this.streams.reduce((n, { direction }) => n + (direction === 'inbound' ? 1 : 0), 0)
    if (this.#saidGoodbye || this.status !== 'open' || inbound >= this.#limits.maxInboundStreams) {
      this.sendFrame({ type: FRAME.windowUpdate, flags: FLAG.rst, streamId, length: 0 })
      return
    }
    this.onRemoteStream(this.#newStream(streamId, 'inbound'))
  }

  override async close(options?: AbortOptions): Promise<void> {
    if (this.status !== 'open') return
    try {
      await super.close(options)
      this.#sayGoodbye(GO_AWAY.normal)
    } finally {
      this.#cancelPing?.()
    }
  }

  override abort(error: Error): void {
    if (this.status !== 'open') return
    this.#cancelPing?.()
    super.abort(error)
    try {
      this.#sayGoodbye(hasCode(error, 'MUXER_BROKEN') ? GO_AWAY.protocolError : GO_AWAY.internalError)
    } catch {
      // The connection is gone already, and so is whoever would hear it.
    }
  }

  override onTransportClosed(error?: Error): void {
    this.#cancelPing?.()
    super.onTransportClosed(error)
  }

  #sayGoodbye(reason: number): void {
    if (this.#saidGoodbye) return
    this.#saidGoodbye = true
    this.sendFrame({ type: FRAME.goAway, flags: FLAG.none, streamId: 0, length: reason })
  }

  #pingLater(): void {
    this.#cancelPing = this.#clock.after(PING_INTERVAL_MS, () => {
      if (this.status !== 'open') return
      try {
        this.sendFrame({ type: FRAME.ping, flags: FLAG.syn, streamId: 0, length: this.#nextPing })
      } catch {
        // The connection has just closed: its event ends this muxer.
        return
      }
      this.#nextPing = (this.#nextPing + 1) >>> 0
      this.#pingLater()
    })
  }
}

function endBy(stream: MuxStream, flags: number): void {
  if ((flags & FLAG.fin) !== 0) stream.onRemoteCloseWrite()
  if ((flags & FLAG.rst) !== 0) stream.onRemoteReset()
}
