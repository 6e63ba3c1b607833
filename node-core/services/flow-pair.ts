import { Duplex } from 'node:stream'
import { FaultError } from '../platform/error.ts'

/** Bytes that one end takes in before its writer has to wait. */
const HIGH_WATER_BYTES = 256 * 1024

/**
 * A flow inside one process: what one end writes the other reads, with the manners of `FlowTransport`. It lets a node
 * use its own services like those of the others.
 */
export function createFlowPair(): [Duplex, Duplex] {
  const left = new FlowEnd()
  const right = new FlowEnd()
  left.join(right)
  right.join(left)
  return [left, right]
}

class FlowEnd extends Duplex {
  #other: FlowEnd | undefined
  /** Lets the other end write on. */
  #takeMore: (() => void) | undefined

  constructor() {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER_BYTES })
  }

  join(other: FlowEnd): void {
    this.#other = other
  }

  receive(chunk: Uint8Array, taken: () => void): void {
    if (this.destroyed || this.push(chunk)) taken()
    else this.#takeMore = taken
  }

  #releaseWriter(): void {
    const more = this.#takeMore
    this.#takeMore = undefined
    more?.()
  }

  override _read(): void {
    this.#releaseWriter()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, written: () => void): void {
    this.#other?.receive(chunk, written)
  }

  override _final(done: () => void): void {
    this.#other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const clean = error === null && this.readableEnded && this.writableFinished
    this.#releaseWriter()
    if (!clean) this.#other?.destroy(new FaultError({ code: 'FLOW_RESET' }, 'the other end reset the flow'))
    done(error)
  }
}
