import type { AbortOptions, MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameSlicer } from './frame-slicer.ts'
import { FRAME_OVERHEAD_BYTES, MAX_TEXT_BYTES, openFrame, type SealOptions, sealFrames } from './frames.ts'
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
  #onText: ((text: Uint8Array) => void) | undefined
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
    this.#sealing = { rekeyAfterFrames, maxTextBytes: this.maxTextBytes }
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite())
    for (const chunk of options.leftover) this.receive(chunk)
  }

  /** Hands texts to the owner of the one `message` listener there is, while nothing waits to be read. */
  shortcut(onText: (text: Uint8Array) => void): void {
    this.#onText = onText
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
    const isClear =
      this.writeStatus === 'writable' &&
      !this.writableNeedsDrain &&
      !this.sendingData &&
      this.writeBuffer.byteLength === 0
    if (!isClear) return super.send(data)
    const canSendMore = this.#seal(data)
    if (!canSendMore) this.writableNeedsDrain = true
    return canSendMore
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    return { sentBytes, canSendMore: this.#seal(data) }
  }

  #seal(data: Uint8Array | Uint8ArrayList): boolean {
    if (data.byteLength === 0) return true
    try {
      return this.#stream.send(sealFrames(this.#keys.send, data, this.#sealing))
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

  readonly #open = (frame: Uint8Array): boolean => {
    let text: Uint8Array
    try {
      text = openFrame(this.#keys.receive, 'frame', frame, this.#sealing.rekeyAfterFrames)
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)))
      return false
    }
    this.#onReceived?.(text.length)
    const isShort =
      this.#onText !== undefined &&
      this.readStatus === 'readable' &&
      this.readBuffer.byteLength === 0 &&
      this.listenerCount('message') === 1
    if (isShort) this.#onText?.(text)
    else this.onData(text)
    return this.status === 'open' || this.status === 'closing'
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#keys.send.wipe()
    this.#keys.receive.wipe()
    if (event.error === undefined) this.onTransportClosed()
    else if (event.local === true) this.abort(event.error)
    else this.onRemoteReset()
  }
}
