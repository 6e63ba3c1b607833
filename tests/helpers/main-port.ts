import { EventEmitter } from 'node:events'
import type { MessagePort } from 'node:worker_threads'

/** A port as Electron's main side has it, over one of Node's: `message` with `{ data, ports }`, nothing before `start`. */
export class MainPort extends EventEmitter {
  readonly raw: MessagePort
  #started = false

  constructor(raw: MessagePort) {
    super()
    this.raw = raw
    raw.on('close', () => this.emit('close'))
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.raw.on('message', (data: unknown) => this.emit('message', { data, ports: [] }))
  }

  postMessage(message: unknown): void {
    this.raw.postMessage(message)
  }

  close(): void {
    this.raw.close()
  }
}
