/** Runs first in the thread that stands for a utility process, and gives it `process.parentPort` in Electron's shape. */
import { EventEmitter } from 'node:events'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PortMain } from './ipc.ts'

interface Delivery {
  readonly message: unknown
  readonly ports: readonly MessagePort[]
}

const port = new (class extends EventEmitter {
  postMessage(message: unknown): void {
    parentPort?.postMessage(message)
  }
})()
Object.defineProperty(process, 'parentPort', { value: port })

const { program }: { program: string } = workerData
await import(program)
// Registered last: what came before waits in the queue of the thread.
parentPort?.on('message', ({ message, ports }: Delivery) => {
  port.emit('message', { data: message, ports: ports.map((raw) => new PortMain(raw)) })
})
