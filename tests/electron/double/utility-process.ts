import { EventEmitter } from 'node:events'
import { pathToFileURL } from 'node:url'
import { type MessagePort, Worker } from 'node:worker_threads'
import type { PortMain } from './ipc.ts'
import { record } from './record.ts'

/** A thread stands for the process, because ports cannot be handed to a process of Node's. */
class Utility extends EventEmitter {
  readonly #worker: Worker

  constructor(program: string) {
    super()
    this.#worker = new Worker(new URL('./utility-shim.ts', import.meta.url), {
      workerData: { program: pathToFileURL(program).href },
      execArgv: [],
    })
    this.#worker.on('message', (message: unknown) => this.emit('message', message))
    this.#worker.on('error', (error) => process.stderr.write(`the core failed: ${String(error)}\n`))
    this.#worker.on('exit', (code) => this.emit('exit', code))
  }

  postMessage(message: unknown, ports: readonly PortMain[] = []): void {
    const raw: MessagePort[] = ports.map((port) => port.raw)
    this.#worker.postMessage({ message, ports: raw }, raw)
  }

  kill(): boolean {
    void this.#worker.terminate()
    return true
  }
}

let newest: Utility | undefined
export const killUtility = (): void => void newest?.kill()

export const utilityProcess = {
  fork(program: string, args: readonly string[], options: object): Utility {
    record('utilityProcess.fork', args, options)
    newest = new Utility(program)
    return newest
  },
}
