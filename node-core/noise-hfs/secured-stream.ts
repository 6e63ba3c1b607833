import type { AbortOptions, MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { handshakeError } from './faults.ts'
import { FrameSlicer } from './frame-slicer.ts'
import {
  bareFrame,
  checkBareFrame,
  FRAME_OVERHEAD_BYTES,
  MAX_TEXT_BYTES,
  openFrame,
  type SealOptions,
  sealFrames,
} from './frames.ts'
import type { TransportKeys } from './handshake-state.ts'

export interface SecuredStreamOptions {
  /** Each direction rekeys after this many frames; never, when undefined, as the published profile has it. */
  readonly rekeyAfterFrames?: number | undefined
  /** Bytes of the raw connection that the handshake read too far. */
  readonly leftover: Uint8ArrayList
  /** Frames are no larger than this, with all that belongs to them. Default: as large as a frame can be. */
  readonly maxFrameBytes?: number | undefined
}

/**
 * The connection after the handshake. Any frame that does not authenticate ends it.
 *
 * What libp2p does for each message costs more than AES does: it appends to a list, cuts the list, copies the list and
 * dispatches an event. Where nothing waits, bytes take a short way here, to the same effect: `send` seals and passes on
 * at once, and a text goes straight to whoever asked for it with `shortcut`.
 */
export class SecuredStream extends AbstractMessageStream {
  /** What fits into one frame: whoever writes so much at a time leaves no small rests. */
  readonly maxTextBytes: number
  readonly #stream: MessageStream
  readonly #keys: TransportKeys
  readonly #sealing: SealOptions
  readonly #slicer = new FrameSlicer()
  readonly #maySendBare: boolean
  #onText: ((text: Uint8Array) => void) | undefined
  #onBare: ((text: Uint8Array) => void) | undefined
  #onReceived: ((bytes: number) => void) | undefined

  constructor(stream: MessageStream, keys: TransportKeys, options: SecuredStreamOptions) {
    super({
      log: stream.log,
      inactivityTimeout: stream.inactivityTimeout,
      maxReadBufferLength: stream.maxReadBufferLength,
      direction: stream.direction,
    })
    this.#stream = stream
    this.#keys = keys
    const { rekeyAfterFrames, maxFrameBytes = Number.POSITIVE_INFINITY } = options
    this.maxTextBytes = Math.min(MAX_TEXT_BYTES, maxFrameBytes - FRAME_OVERHEAD_BYTES)
    // Over a route the two ends encrypt everything: only what they have sealed may go bare, on the links below.
    this.#maySendBare = keys.send.allowsBare && maxFrameBytes === Number.POSITIVE_INFINITY
    this.#sealing = { rekeyAfterFrames, maxTextBytes: this.maxTextBytes }
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite())
    for (const chunk of options.leftover) this.receive(chunk)
  }

  /**
   * Hands texts to the owner of the one `message` listener there is, while nothing waits to be read. Texts that came
   * without encryption go to `onBare` alone; the bytes are its own.
   */
  shortcut(onText: (text: Uint8Array) => void, onBare?: (text: Uint8Array) => void): void {
    this.#onText = onText
    this.#onBare = onBare
  }

  /** Tells how many bytes of each frame were authentic. One may watch. */
  watchReceived(onReceived: (bytes: number) => void): void {
    this.#onReceived = onReceived
  }

  override async close(options?: AbortOptions): Promise<void> {
    await this.#stream.close(options)
  }

  override sendPause(): void {
    this.#stream.pause()
  }

  override sendResume(): void {
    this.#stream.resume()
  }

  override sendReset(error: Error): void {
    this.#stream.abort(error)
  }

  override send(data: Uint8Array | Uint8ArrayList): boolean {
    if (!this.#isClear()) return super.send(data)
    return this.#noteFull(this.#seal(data))
  }

  /**
   * Sends what the two ends of a route have encrypted already, authenticated and not encrypted again where that can be,
   * and encrypted elsewhere. It must fit into one frame.
   */
  sendBare(head: Uint8Array, text: Uint8Array | Uint8ArrayList): boolean {
    if (!this.#maySendBare || !this.#isClear()) return this.send(new Uint8ArrayList(head, text))
    return this.#noteFull(
      this.#pass(() => bareFrame(this.#keys.send, head, text, this.#sealing.rekeyAfterFrames)),
    )
  }

  /** Whether nothing waits that has to go first. */
  #isClear(): boolean {
    return (
      this.writeStatus === 'writable' &&
      !this.writableNeedsDrain &&
      !this.sendingData &&
      this.writeBuffer.byteLength === 0
    )
  }

  #noteFull(canSendMore: boolean): boolean {
    if (!canSendMore) this.writableNeedsDrain = true
    return canSendMore
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    return { sentBytes, canSendMore: this.#seal(data) }
  }

  #seal(data: Uint8Array | Uint8ArrayList): boolean {
    return data.byteLength === 0 || this.#pass(() => sealFrames(this.#keys.send, data, this.#sealing))
  }

  #pass(frames: () => Uint8ArrayList): boolean {
    try {
      return this.#stream.send(frames())
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /** What the raw connection delivers. */
  receive(chunk: Uint8Array): void {
    if (this.status === 'open' || this.status === 'closing') this.#slicer.push(chunk, this.#open)
  }

  readonly #onMessage = ({ data }: StreamMessageEvent): void => {
    for (const chunk of data instanceof Uint8ArrayList ? data : [data]) this.receive(chunk)
  }

  readonly #open = (frame: Uint8Array, isBare: boolean): boolean => {
    const { rekeyAfterFrames } = this.#sealing
    let text: Uint8Array
    try {
      // Nobody sends one before the muxer is there, and nothing ever waits in front of it.
      if (isBare && (this.#onBare === undefined || !this.#isReadClear())) {
        throw handshakeError({ code: 'MESSAGE_MALFORMED', message: 'frame' })
      }
      text = isBare
        ? checkBareFrame(this.#keys.receive, frame, rekeyAfterFrames)
        : openFrame(this.#keys.receive, 'frame', frame, rekeyAfterFrames)
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
      return false
    }
    this.#onReceived?.(text.length)
    if (isBare) this.#onBare?.(text)
    else if (this.#onText !== undefined && this.#isReadClear()) this.#onText(text)
    else this.onData(text)
    return this.status === 'open' || this.status === 'closing'
  }

  #isReadClear(): boolean {
    return (
      this.readStatus === 'readable' &&
      this.readBuffer.byteLength === 0 &&
      this.listenerCount('message') === 1
    )
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#keys.send.wipe()
    this.#keys.receive.wipe()
    if (event.error === undefined) this.onTransportClosed()
    else if (event.local === true) this.abort(event.error)
    else this.onRemoteReset()
  }
}
