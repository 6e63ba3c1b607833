import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** A TCP service for a node of a lab to expose. */
export interface JudgeTarget {
  /** `127.0.0.1:PORT`, as `x0t expose --to` takes it. */
  readonly target: string
  readonly port: number
  /** Connections since it began: a client's connection that survives leaves one. */
  readonly accepted: number
  close(): Promise<void>
}

/** Sends back what it gets. */
export function startEchoTarget(): Promise<JudgeTarget> {
  return listen((socket) => socket.pipe(socket))
}

/** `seed u32, size u64`, big endian: what a client of the transfer target sends. */
export const TRANSFER_REQUEST_BYTES = 12
const CHUNK_BYTES = 64 * 1024

/** Sends the bytes of a seed, as many as it is asked for, and closes. */
export function startTransferTarget(): Promise<JudgeTarget> {
  return listen((socket) => {
    let request = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      request = Buffer.concat([request, chunk])
      if (request.length < TRANSFER_REQUEST_BYTES) return
      socket.off('data', onData)
      socket.resume()
      const [seed, size] = [request.readUInt32BE(0), Number(request.readBigUInt64BE(4))]
      void send(socket, seed, size)
    }
    socket.on('data', onData)
  })
}

async function send(socket: Socket, seed: number, sizeBytes: number): Promise<void> {
  const next = seededBytes(seed)
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  for (let sent = 0; sent < sizeBytes && !socket.destroyed; ) {
    const chunk = next(Math.min(CHUNK_BYTES, sizeBytes - sent))
    sent += chunk.length
    if (!socket.write(chunk)) await Promise.race([drained(socket), gone])
  }
  socket.end()
}

/** Unlike `once`, it is not rejected by an error that comes later. */
const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('drain', () => resolve()))

/** A stream of bytes that looks random and is the same for a seed: the keystream of AES-128-CTR. */
export function seededBytes(seed: number): (count: number) => Buffer {
  const key = Buffer.alloc(16)
  key.writeUInt32BE(seed)
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  return (count) => cipher.update(Buffer.alloc(count))
}

async function listen(serve: (socket: Socket) => void): Promise<JudgeTarget> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    accepted += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  const { port } = address
  return {
    target: `127.0.0.1:${port}`,
    port,
    get accepted() {
      return accepted
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}
