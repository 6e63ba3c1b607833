import { EventEmitter } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** A message of a port that carries other ports. */
interface Envelope {
  readonly x0tEnvelope: true
  readonly message: unknown
  readonly ports: readonly MessagePort[]
}

const isEnvelope = (value: unknown): value is Envelope =>
  typeof value === 'object' && value !== null && 'x0tEnvelope' in value

/** Electron's MessagePortMain over a port of Node's: nothing comes before `start`, and `close` at either end is seen. */
export class PortMain extends EventEmitter {
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
    this.raw.on('message', (data: unknown) => {
      const { message, ports } = isEnvelope(data) ? data : { message: data, ports: [] }
      this.emit('message', { data: message, ports: ports.map((port) => new PortMain(port)) })
    })
  }

  postMessage(message: unknown, ports: readonly PortMain[] = []): void {
    const raw = ports.map((port) => port.raw)
    if (raw.length === 0) this.raw.postMessage(message)
    else this.raw.postMessage({ x0tEnvelope: true, message, ports: raw } satisfies Envelope, raw)
  }

  close(): void {
    this.raw.close()
  }
}

export class MessageChannelMain {
  readonly port1: PortMain
  readonly port2: PortMain
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.port1 = new PortMain(port1)
    this.port2 = new PortMain(port2)
  }
}

export const ipcMain = new EventEmitter()
