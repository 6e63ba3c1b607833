import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { AbortOptions, Stream } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { markSealed } from '../flows/sealed-bytes.ts'
import { ShortcutConnection } from '../host/socket-shortcut.ts'

export interface FlowCarrierInit {
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Stream['log']
  /** What fits into one frame of the link. */
  readonly frameBytes: number
}

/** A flow in the place of a socket: what libp2p's upgrader makes a connection of. */
export class FlowCarrier extends ShortcutConnection {
  readonly #flow: Duplex

  #isSecured = false
  #receive: ((chunk: Uint8Array) => void) | undefined

  constructor(flow: Duplex, init: FlowCarrierInit) {
    super({ ...init, maxMessageSize: init.frameBytes })
    this.#flow = flow
    flow.on('data', (chunk: Buffer) => {
      const isShort = this.readStatus === 'readable' && this.readBuffer.byteLength === 0
      if (this.#receive !== undefined && isShort) this.#receive(chunk)
      else this.onData(chunk)
    })
    flow.on('drain', () => this.safeDispatchEvent('drain'))
    // Like a TCP socket that allows no half-open connections: the muxer has said goodbye before.
    flow.on('end', () => {
      flow.end()
      this.onTransportClosed()
    })
    flow.on('close', () => {
      if (flow.errored !== null) this.abort(flow.errored)
      else this.onTransportClosed()
    })
    flow.resume()
  }

  override shortcut(receive: (chunk: Uint8Array) => void): void {
    this.#receive = receive
    this.#isSecured = true
  }

  override send(data: Uint8Array | Uint8ArrayList): boolean {
    const isClear =
      this.writeStatus === 'writable' &&
      !this.writableNeedsDrain &&
      !this.sendingData &&
      this.writeBuffer.byteLength === 0
    if (!isClear || !(data instanceof Uint8ArrayList)) return super.send(data)
    const canSendMore = this.#write(data, this.#isSecured)
    if (!canSendMore) this.writableNeedsDrain = true
    return canSendMore
  }

  override sendData(data: Uint8ArrayList): SendResult {
    // What waited may be the end of the handshake.
    return { sentBytes: data.byteLength, canSendMore: this.#write(data, false) }
  }

  /** @param isSealed whether these are frames of the two ends, and nothing of their handshake */
  #write(data: Uint8ArrayList, isSealed: boolean): boolean {
    let canSendMore = true
    // The parts of a frame go out together: each alone would become a frame of the connection below.
    this.#flow.cork()
    for (const part of data) canSendMore = this.#flow.write(isSealed ? markSealed(part) : part)
    this.#flow.uncork()
    return canSendMore
  }

  override async sendClose(options?: AbortOptions): Promise<void> {
    if (this.#flow.closed) return
    this.#flow.end()
    this.#flow.resume()
    await once(this.#flow, 'close', options)
  }

  override sendReset(error: Error): void {
    this.#flow.destroy(error)
  }

  override sendPause(): void {
    this.#flow.pause()
  }

  override sendResume(): void {
    // @libp2p/utils 7.4.1 calls this also when whoever got the buffered bytes has paused again.
    if (this.readStatus === 'readable') this.#flow.resume()
  }
}
