import type { Logger, Stream } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { broken, FLAG, FRAME, type MuxHeader } from './mux-frames.ts'

/** What the other end may send on a stream before it waits: from the start, as on every node of the mesh. */
export const STREAM_WINDOW_BYTES = 2 * 1024 * 1024
/**
 * Credit that is held back until it is worth a frame. The other end always has the rest of the window left, so what it
 * sends with that frees what is held.
 */
const HELD_CREDIT_BYTES = 512 * 1024
/** Above the window: a paused stream never holds more than its window. */
const MAX_READ_BUFFER_BYTES = 8 * 1024 * 1024

/** What a stream asks of its muxer. */
export interface MuxLink {
  /** Sends a data frame, or as many as it takes. False when the connection takes no more for now. */
  sendData(streamId: number, flags: number, data: Uint8Array | Uint8ArrayList): boolean
  /** The same, for what the two ends of a route have encrypted: the link authenticates it alone, where it can. */
  sendBare(streamId: number, data: Uint8Array | Uint8ArrayList): boolean
  sendFrame(header: MuxHeader): void
}

export interface MuxStreamInit {
  readonly streamId: number
  readonly direction: 'inbound' | 'outbound'
  readonly log: Logger
}

/**
 * A stream of the muxer. Like `SecuredStream` it keeps the manners of libp2p's streams and has a short way for bytes
 * where nothing waits before them.
 */
export class MuxStream extends AbstractStream {
  readonly streamId: number
  readonly #link: MuxLink
  #sendWindow = STREAM_WINDOW_BYTES
  #receiveWindow = STREAM_WINDOW_BYTES
  /** Received and not granted again. */
  #owed = 0
  #isPaused = false
  /** Go with the first frame that is sent. */
  #firstFlags: number
  #onBytes: OnBytes | undefined
  #acceptsBare = false

  constructor(link: MuxLink, { streamId, direction, log }: MuxStreamInit) {
    super({ id: String(streamId), log, direction, maxReadBufferLength: MAX_READ_BUFFER_BYTES })
    this.streamId = streamId
    this.#link = link
    this.#firstFlags = direction === 'outbound' ? FLAG.syn : FLAG.ack
  }

  /** Says to the other end that this stream is there. */
  greet(): void {
    if (this.status === 'open' && this.#firstFlags !== FLAG.none) this.#sendUpdate(0)
  }

  /** Hands bytes to the owner of the one `message` listener there is, while nothing waits to be read. */
  shortcut(onBytes: OnBytes): void {
    this.#onBytes = onBytes
  }

  /** Lets the other end send without encryption what two other ends have encrypted. */
  acceptBare(): void {
    this.#acceptsBare = true
  }

  override send(data: Uint8Array | Uint8ArrayList): boolean {
    return this.#isClearFor(data) ? this.#sendShort(data, false) : super.send(data)
  }

  /** Sends what the two ends of a route have encrypted; where something waits, like anything else. */
  sendBare(data: Uint8Array | Uint8ArrayList): boolean {
    if (this.#firstFlags !== FLAG.none || !this.#isClearFor(data)) return this.send(data)
    return this.#sendShort(data, true)
  }

  /** Whether nothing waits that has to go first, and the window has room. */
  #isClearFor(data: Uint8Array | Uint8ArrayList): boolean {
    return (
      this.writeStatus === 'writable' &&
      !this.writableNeedsDrain &&
      !this.sendingData &&
      this.writeBuffer.byteLength === 0 &&
      data.byteLength <= this.#sendWindow
    )
  }

  #sendShort(data: Uint8Array | Uint8ArrayList, isBare: boolean): boolean {
    if (data.byteLength === 0) return true
    let canSendMore: boolean
    try {
      canSendMore = this.#sendNow(data, isBare)
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    if (!canSendMore) this.writableNeedsDrain = true
    return canSendMore
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(data.byteLength, this.#sendWindow)
    if (sentBytes === 0) return { sentBytes, canSendMore: false }
    const isAll = sentBytes === data.byteLength
    const canSendMore = this.#sendNow(isAll ? data : data.sublist(0, sentBytes), false)
    return { sentBytes, canSendMore: canSendMore && isAll }
  }

  #sendNow(data: Uint8Array | Uint8ArrayList, isBare: boolean): boolean {
    this.#sendWindow -= data.byteLength
    if (isBare) return this.#link.sendBare(this.streamId, data)
    return this.#link.sendData(this.streamId, this.#takeFlags(), data)
  }

  override sendReset(): void {
    this.#link.sendFrame(this.#header(FLAG.rst, 0))
  }

  override async sendCloseWrite(): Promise<void> {
    this.#link.sendFrame(this.#header(this.#takeFlags() | FLAG.fin, 0))
  }

  /** yamux has no word for it. */
  override async sendCloseRead(): Promise<void> {}

  /** The other end stops when its window is used up. */
  override sendPause(): void {
    this.#isPaused = true
  }

  override sendResume(): void {
    this.#isPaused = false
    this.#grant()
  }

  /** The other end grants more. */
  granted(bytes: number): void {
    this.#sendWindow += bytes
    if (this.writeBuffer.byteLength > 0) this.safeDispatchEvent('drain')
  }

  /** A data frame begins. @throws FaultError MUXER_BROKEN */
  expect(bytes: number): void {
    if (bytes > this.#receiveWindow) throw broken('more than the window of a stream')
    this.#receiveWindow -= bytes
  }

  /** A data frame that came without encryption. @throws FaultError MUXER_BROKEN */
  receiveBare(bytes: Uint8Array): void {
    if (!this.#acceptsBare) throw broken('a bare frame for a stream that is no route')
    this.expect(bytes.length)
    if (bytes.length > 0) this.receive(bytes, true)
  }

  /** Bytes of a data frame. */
  receive(bytes: Uint8Array, isBare = false): void {
    const isShort =
      this.#onBytes !== undefined &&
      this.readStatus === 'readable' &&
      this.readBuffer.byteLength === 0 &&
      this.listenerCount('message') === 1
    if (isShort) this.#onBytes?.(bytes, isBare)
    else this.onData(bytes)
    this.#owed += bytes.length
    this.#grant()
  }

  #grant(): void {
    if (this.#isPaused || this.#owed < HELD_CREDIT_BYTES || this.status !== 'open') return
    const credit = this.#owed
    this.#owed = 0
    this.#receiveWindow += credit
    this.#sendUpdate(credit)
  }

  #sendUpdate(credit: number): void {
    this.#link.sendFrame(this.#header(this.#takeFlags(), credit))
  }

  #header(flags: number, length: number): MuxHeader {
    return { type: FRAME.windowUpdate, flags, streamId: this.streamId, length }
  }

  #takeFlags(): number {
    const flags = this.#firstFlags
    this.#firstFlags = FLAG.none
    return flags
  }
}

/** `isBare` says that the bytes came without encryption, so that they may go on without. */
type OnBytes = (bytes: Uint8Array, isBare: boolean) => void

/**
 * Listens to what a stream delivers, piece by piece, on the short way where it has one. Nobody else may listen for its
 * messages.
 */
export function receiveFrom(stream: Pick<Stream, 'addEventListener'>, onBytes: OnBytes): void {
  if (stream instanceof MuxStream) stream.shortcut(onBytes)
  stream.addEventListener('message', ({ data }) => {
    for (const bytes of data instanceof Uint8ArrayList ? data : [data]) onBytes(bytes, false)
  })
}
