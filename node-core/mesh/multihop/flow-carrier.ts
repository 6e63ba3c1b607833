import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { AbortOptions, Stream } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface FlowCarrierInit {
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly log: Stream['log']
}

/** A flow in the place of a socket: what libp2p's upgrader makes a connection of. */
export class FlowCarrier extends AbstractMultiaddrConnection {
  readonly #flow: Duplex

  constructor(flow: Duplex, init: FlowCarrierInit) {
    super(init)
    this.#flow = flow
    flow.on('data', (chunk: Buffer) => this.onData(chunk))
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

  override sendData(data: Uint8ArrayList): SendResult {
    let canSendMore = true
    // The parts of a frame go out together: each alone would become a frame of the connection below.
    this.#flow.cork()
    for (const part of data) canSendMore = this.#flow.write(part)
    this.#flow.uncork()
    return { sentBytes: data.byteLength, canSendMore }
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
