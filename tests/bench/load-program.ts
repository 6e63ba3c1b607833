/**
 * Source, relay and client of a transfer over TCP, each as a process of its own: they know nothing of the product.
 * A client says `d` and how many bytes it wants, or `e` and gets back what it sends.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { pathToFileURL } from 'node:url'
import { serveCommands } from './child.ts'

export type LoadCommands = {
  /** Listens and serves transfers and echoes. */
  readonly source: { readonly options: object; readonly answer: { readonly port: number } }
  /** Joins whoever connects to a port with two pipes: what a relay costs that does nothing else. */
  readonly relay: {
    readonly options: { readonly to: number }
    readonly answer: { readonly port: number }
  }
  /** Fetches over so many connections at once, so many bytes in all. */
  readonly download: {
    readonly options: { readonly port: number; readonly flows: number; readonly bytes: number }
    readonly answer: { readonly seconds: number }
  }
  /** Requests one after the other over one connection. */
  readonly echo: {
    readonly options: { readonly port: number; readonly count: number; readonly bytes: number }
    readonly answer: { readonly roundTripsUs: readonly number[] }
  }
}

export const LOAD_PROGRAM = import.meta.filename

const REQUEST_BYTES = 9
const DOWNLOAD = 0x64
const ECHO = 0x65
const CHUNK = Buffer.alloc(256 * 1024, 0x5a)

async function listen(server: Server): Promise<{ port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return { port: address.port }
}

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  let head = Buffer.alloc(0)
  const onData = (part: Buffer): void => {
    head = Buffer.concat([head, part])
    if (head[0] === ECHO) {
      socket.off('data', onData)
      socket.write(head.subarray(1))
      socket.on('data', (more) => socket.write(more))
    } else if (head.length >= REQUEST_BYTES) {
      socket.off('data', onData)
      void pour(socket, Number(head.readBigUInt64BE(1)))
    }
  }
  socket.on('data', onData)
}

async function pour(socket: Socket, bytes: number): Promise<void> {
  const gone = once(socket, 'close')
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += CHUNK.length) {
    const part = bytes - sent < CHUNK.length ? CHUNK.subarray(0, bytes - sent) : CHUNK
    if (!socket.write(part)) await Promise.race([once(socket, 'drain'), gone])
  }
  socket.end()
}

function relay(to: number): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host: '127.0.0.1', port: to, allowHalfOpen: true, noDelay: true })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.pipe(other)
    }
  })
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function fetchBytes(socket: Socket, bytes: number): Promise<void> {
  const request = Buffer.alloc(REQUEST_BYTES)
  request[0] = DOWNLOAD
  request.writeBigUInt64BE(BigInt(bytes), 1)
  let received = 0
  socket.on('data', (part: Buffer) => {
    received += part.length
  })
  socket.write(request)
  await once(socket, 'end')
  socket.destroy()
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came`)
}

async function echo(port: number, count: number, bytes: number): Promise<readonly number[]> {
  const socket = await open(port)
  socket.write(Uint8Array.of(ECHO))
  const request = Buffer.alloc(bytes, 0x33)
  const roundTripsUs: number[] = []
  let missing = 0
  let startedMs = 0
  const ask = (): void => {
    missing = bytes
    startedMs = performance.now()
    socket.write(request)
  }
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${roundTripsUs.length} answers`)))
    socket.on('data', (part: Buffer) => {
      missing -= part.length
      if (missing > 0) return
      roundTripsUs.push((performance.now() - startedMs) * 1_000)
      if (roundTripsUs.length === count) resolve()
      else ask()
    })
    ask()
  })
  socket.destroy()
  return roundTripsUs
}

// Others import the commands alone.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  serveCommands<LoadCommands>({
    source: () => listen(createServer({ noDelay: true }, serve)),
    relay: ({ to }) => listen(relay(to)),
    async download({ port, flows, bytes }) {
      const sockets = await Promise.all(Array.from({ length: flows }, () => open(port)))
      const startedMs = performance.now()
      await Promise.all(sockets.map((socket) => fetchBytes(socket, bytes / flows)))
      return { seconds: (performance.now() - startedMs) / 1_000 }
    },
    async echo({ port, count, bytes }) {
      return { roundTripsUs: await echo(port, count, bytes) }
    },
  })
}
