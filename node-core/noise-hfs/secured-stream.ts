import type { AbortOptions, MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import type { CipherState } from './cipher-state.ts'
import { handshakeError } from './faults.ts'
import type { TransportKeys } from './handshake-state.ts'
import { TAG_BYTES } from './primitives.ts'

export interface SecuredStreamOptions {
  /** Each direction rekeys after this many frames; never, when undefined, as the published profile has it. */
  readonly rekeyAfterFrames?: number | undefined
  /** Bytes of the raw connection that the handshake read too far. */
  readonly leftover: Uint8ArrayList
}

const LENGTH_BYTES = 2
const MAX_FRAME_BYTES = 0xffff
const MAX_TEXT_BYTES = MAX_FRAME_BYTES - TAG_BYTES
const NO_AD = new Uint8Array(0)

/** Seals what one frame carries: the ciphertext and the tag, after `headBytes` of room for what goes before them. */
export function sealPayload(
  cipher: CipherState,
  plaintext: Uint8ArrayList | Uint8Array,
  rekeyAfterFrames: number | undefined,
  headBytes = 0,
): Buffer {
  const parts = cipher.seal(NO_AD, plaintext instanceof Uint8Array ? [plaintext] : plaintext)
  // One buffer and so one write: a header, a body and a tag apart are three system calls and, without Nagle, three
  // packets, which costs more than the copy.
  const sealed = Buffer.allocUnsafe(headBytes + plaintext.byteLength + TAG_BYTES)
  let at = headBytes
  for (const part of parts) {
    sealed.set(part, at)
    at += part.length
  }
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return sealed
}

/** One frame: a 16-bit big-endian length, the ciphertext, the tag. */
function sealFrame(
  cipher: CipherState,
  plaintext: Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8Array {
  const frame = sealPayload(cipher, plaintext, rekeyAfterFrames, LENGTH_BYTES)
  frame.writeUInt16BE(frame.length - LENGTH_BYTES, 0)
  return frame
}

/**
 * Opens what follows a frame's length prefix, into plaintext parts.
 *
 * @throws HandshakeError MESSAGE_MALFORMED, NOT_AUTHENTIC, NONCE_EXHAUSTED
 */
export function openFrame(
  cipher: CipherState,
  message: 'D' | 'frame',
  frame: Uint8ArrayList,
  rekeyAfterFrames: number | undefined,
): Uint8Array[] {
  const textBytes = frame.byteLength - TAG_BYTES
  if (textBytes < 0) throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
  const tag = frame.subarray(textBytes)
  const parts = cipher.open(message, NO_AD, frame.sublist(0, textBytes), tag)
  rekeyWhenDue(cipher, rekeyAfterFrames)
  return parts
}

function rekeyWhenDue(cipher: CipherState, rekeyAfterFrames: number | undefined): void {
  if (rekeyAfterFrames !== undefined && cipher.nonce % rekeyAfterFrames === 0) cipher.rekey()
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
    const out = new Uint8ArrayList()
    const sentBytes = data.byteLength
    for (let at = 0; at < sentBytes; at += MAX_TEXT_BYTES) {
      const text =
        sentBytes <= MAX_TEXT_BYTES ? data : data.sublist(at, Math.min(sentBytes, at + MAX_TEXT_BYTES))
      out.append(sealFrame(this.#keys.send, text, this.#rekeyAfterFrames))
    }
    return { sentBytes, canSendMore: this.#stream.send(out) }
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
