import type { AbortOptions, MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { LENGTH_BYTES, openFrame, sealFrames } from './frames.ts'
import type { TransportKeys } from './handshake-state.ts'

export interface SecuredStreamOptions {
  /** Each direction rekeys after this many frames; never, when undefined, as the published profile has it. */
  readonly rekeyAfterFrames?: number | undefined
  /** Bytes of the raw connection that the handshake read too far. */
  readonly leftover: Uint8ArrayList
}

/** The connection after the handshake. Any frame that does not authenticate ends it. */
export class SecuredStream extends AbstractMessageStream {
  readonly #stream: MessageStream
  readonly #keys: TransportKeys
  readonly #rekeyAfterFrames: number | undefined
  readonly #received: Uint8ArrayList

  constructor(stream: MessageStream, keys: TransportKeys, options: SecuredStreamOptions) {
    super({
      log: stream.log,
      inactivityTimeout: stream.inactivityTimeout,
      maxReadBufferLength: stream.maxReadBufferLength,
      direction: stream.direction,
    })
    this.#stream = stream
    this.#keys = keys
    this.#rekeyAfterFrames = options.rekeyAfterFrames
    this.#received = options.leftover
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('drain', () => this.safeDispatchEvent('drain'))
    stream.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite())
    if (this.#received.byteLength > 0) this.#openFrames()
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

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength
    const frames = sealFrames(this.#keys.send, data, this.#rekeyAfterFrames)
    return { sentBytes, canSendMore: this.#stream.send(frames) }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#received.append(event.data)
    this.#openFrames()
  }

  #openFrames(): void {
    const opened = new Uint8ArrayList()
    try {
      while (this.#received.byteLength >= LENGTH_BYTES) {
        const end = LENGTH_BYTES + this.#received.getUint16(0)
        if (this.#received.byteLength < end) break
        const frame = this.#received.sublist(LENGTH_BYTES, end)
        this.#received.consume(end)
        for (const part of openFrame(this.#keys.receive, 'frame', frame, this.#rekeyAfterFrames))
          opened.append(part)
      }
    } catch (error) {
      // What came before the bad frame is authentic, but a connection that was tampered with is not worth the rest.
      this.abort(error instanceof Error ? error : new Error(String(error)))
      return
    }
    this.onData(opened)
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#keys.send.wipe()
    this.#keys.receive.wipe()
    if (event.error === undefined) this.onTransportClosed()
    else if (event.local === true) this.abort(event.error)
    else this.onRemoteReset()
  }
}
