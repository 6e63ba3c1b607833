import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { eventually } from './eventually.ts'
import { randomChunks } from './streams.ts'

/** What one end of a TCP connection has seen so far. */
export interface SeenByEnd {
  bytes: number
  /** FIN arrived: a normal end. */
  ended: boolean
  /** The code of the error that broke the connection. */
  error: string | undefined
  closed: boolean
}

export interface TcpEnd {
  readonly socket: Socket
  readonly seen: SeenByEnd
  /** SHA-256 over all bytes so far, hex. */
  digest(): string
  /** Reads nothing until told to. */
  hold(): void
  release(): void
}

/** Follows a half-open socket and reads it. */
export function followSocket(socket: Socket): TcpEnd {
  const hash = createHash('sha256')
  const seen: SeenByEnd = { bytes: 0, ended: false, error: undefined, closed: false }
  socket.on('data', (part: Buffer) => {
    seen.bytes += part.length
    hash.update(part)
  })
  socket.on('end', () => {
    seen.ended = true
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? error.message
  })
  socket.on('close', () => {
    seen.closed = true
  })
  return {
    socket,
    seen,
    digest: () => hash.copy().digest('hex'),
    hold: () => void socket.pause(),
    release: () => void socket.resume(),
  }
}

export interface TcpTarget {
  readonly port: number
  /** `127.0.0.1:PORT`. */
  readonly target: string
  readonly ends: readonly TcpEnd[]
  /** The next connection that arrives. */
  next(): Promise<TcpEnd>
  /** Ends the listener and every connection. */
  close(): Promise<void>
}

/** A real TCP server whose connections do what the test makes them do. */
export async function startTcpTarget(onEnd: (end: TcpEnd) => void = () => {}, port = 0): Promise<TcpTarget> {
  const ends: TcpEnd[] = []
  let taken = 0
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const end = followSocket(socket)
    ends.push(end)
    onEnd(end)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port: bound,
    target: `127.0.0.1:${bound}`,
    ends,
    async next() {
      const index = taken++
      await eventually('a connection arrives', () => ends.length > index)
      return ends[index] as TcpEnd
    },
    async close() {
      server.close()
      for (const { socket } of ends) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}

/** A client of a local port, connected. */
export async function connectTcp(port: number): Promise<TcpEnd> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  const end = followSocket(socket)
  await once(socket, 'connect')
  return end
}

/** Writes bytes in pieces of random size as fast as the other end takes them, then FIN. */
export async function sendAll({ socket }: TcpEnd, bytes: Buffer): Promise<void> {
  for await (const chunk of Readable.from(randomChunks(bytes))) {
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  socket.end()
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
