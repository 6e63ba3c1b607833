import type { MessageStream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Clock } from '../platform/clock.ts'
import { type HandshakeError, handshakeError, isHandshakeError, type MessageName } from './faults.ts'

export interface HandshakeChannelOptions {
  /** Each message is due this long after it is asked for. */
  readonly messageTimeoutMs: number
  /** What the other end may send ahead of what is asked for. */
  readonly maxBufferedBytes: number
  readonly signal?: AbortSignal | undefined
}

const LENGTH_BYTES = 2
const MAX_FRAME_BYTES = 0xffff

/** A frame as libp2p Noise sends it: a 16-bit big-endian length, then the message. */
export function frameOf(message: Uint8Array): Uint8Array {
  if (message.length > MAX_FRAME_BYTES) throw handshakeError({ code: 'MISUSED' })
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + message.length)
  frame.writeUInt16BE(message.length, 0)
  frame.set(message, LENGTH_BYTES)
  return frame
}

/**
 * The messages of one handshake over a raw connection: framed, bounded in size and in time. The first thing that goes
 * wrong (the connection ends, the signal aborts, a message is late or too large) is what every later call throws.
 */
export class HandshakeChannel {
  readonly #stream: MessageStream
  readonly #clock: Clock
  readonly #options: HandshakeChannelOptions
  readonly #buffer = new Uint8ArrayList()
  #failure: HandshakeError | undefined
  #waiting: MessageName = 'A'
  #wake: (() => void) | undefined

  constructor(clock: Clock, stream: MessageStream, options: HandshakeChannelOptions) {
    this.#clock = clock
    this.#stream = stream
    this.#options = options
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onClose)
    options.signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal?.aborted === true) this.#onAbort()
    else if (stream.status !== 'open') this.#fail(handshakeError({ code: 'CONNECTION_LOST', message: 'A' }))
  }

  /** Queues a message. The transport's buffer bounds it: no message is larger than 64 KiB and none follows unasked. */
  send(message: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure
    try {
      this.#stream.send(frameOf(message))
    } catch (error) {
      throw this.#fail(handshakeError({ code: 'CONNECTION_LOST', message: this.#waiting }, error))
    }
  }

  /**
   * The next message.
   *
   * @throws HandshakeError STALLED, CONNECTION_LOST, MESSAGE_TOO_LARGE, FLOODED, HANDSHAKE_ABORTED, SHED
   */
  async read(message: MessageName, limitBytes: number): Promise<Uint8Array> {
    this.#waiting = message
    const ready = this.#take(message, limitBytes)
    if (ready !== undefined) return ready
    const cancel = this.#startLimit(message)
    try {
      return await new Promise<Uint8Array>((resolve, reject) => {
        this.#wake = () => {
          try {
            const frame = this.#take(message, limitBytes)
            if (frame === undefined) return
            // What arrives before the reader is told belongs to the next read.
            this.#wake = undefined
            resolve(frame)
          } catch (error) {
            reject(error)
          }
        }
      })
    } finally {
      cancel()
      this.#wake = undefined
    }
  }

  /**
   * Runs `work`, which `message` waits for, under the same limits: it rejects as soon as the connection ends, the
   * signal aborts, or the time is over, whether or not `work` listens to the signal it gets.
   */
  async during<T>(message: MessageName, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure
    this.#waiting = message
    const cancel = this.#startLimit(message)
    const controller = new AbortController()
    try {
      const ended = new Promise<never>((_resolve, reject) => {
        this.#wake = () => {
          if (this.#failure === undefined) return
          // In this order: what `work` throws when it is told must not win the race.
          reject(this.#failure)
          controller.abort(this.#failure)
        }
      })
      return await Promise.race([work(controller.signal), ended])
    } finally {
      cancel()
      this.#wake = undefined
    }
  }

  /** Lets go of the connection and gives back what came after the last message that was read. */
  release(): Uint8ArrayList {
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onClose)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    return this.#buffer
  }

  #startLimit(message: MessageName): () => void {
    const { messageTimeoutMs: afterMs } = this.#options
    return this.#clock.after(afterMs, () => this.#fail(handshakeError({ code: 'STALLED', message, afterMs })))
  }

  #take(message: MessageName, limitBytes: number): Uint8Array | undefined {
    // What came before the connection ended is still a message: a refusal is followed by the end.
    if (this.#buffer.byteLength >= LENGTH_BYTES) {
      const length = this.#buffer.getUint16(0)
      if (length > limitBytes)
        throw this.#fail(handshakeError({ code: 'MESSAGE_TOO_LARGE', message, limitBytes }))
      if (this.#buffer.byteLength >= LENGTH_BYTES + length) {
        const frame = this.#buffer.subarray(LENGTH_BYTES, LENGTH_BYTES + length)
        this.#buffer.consume(LENGTH_BYTES + length)
        return frame
      }
    }
    if (this.#failure !== undefined) throw this.#failure
    return undefined
  }

  #fail(error: HandshakeError): HandshakeError {
    this.#failure ??= error
    this.#wake?.()
    return this.#failure
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#buffer.append(event.data)
    if (this.#buffer.byteLength > this.#options.maxBufferedBytes) {
      this.#buffer.consume(this.#buffer.byteLength)
      this.#fail(handshakeError({ code: 'FLOODED' }))
      return
    }
    this.#wake?.()
  }

  readonly #onClose = (event: Event | StreamCloseEvent): void => {
    const cause = 'error' in event ? event.error : undefined
    this.#fail(
      isHandshakeError(cause)
        ? cause
        : handshakeError({ code: 'CONNECTION_LOST', message: this.#waiting }, cause),
    )
  }

  readonly #onAbort = (): void => {
    this.#fail(handshakeError({ code: 'HANDSHAKE_ABORTED' }, this.#options.signal?.reason))
  }
}
