import { createServer, isIP, type Server, type Socket } from 'node:net'
import { serviceFault } from './service-fault.ts'
import { SOCKET_HIGH_WATER_BYTES } from './target.ts'

const KEEP_ALIVE_MS = 60_000
const BACKLOG = 511

/** A TCP port that takes clients. */
export interface Listener {
  readonly port: number
  /** Takes no more clients. Those that are here stay. */
  close(): void
}

/**
 * Listens on `host:port`; port 0 lets the system choose. The client's socket is half-open, not yet read beyond
 * `SOCKET_HIGH_WATER_BYTES`, and owned by `onClient`.
 *
 * @throws FaultError BAD_LISTEN_HOST, PORT_IN_USE, PORT_FORBIDDEN, LISTEN_FAILED
 */
export function listen(
  { host, port }: { readonly host: string; readonly port: number },
  onClient: (socket: Socket) => void,
  onError: (error: Error) => void,
): Promise<Listener> {
  if (isIP(host) === 0) {
    const hint = 'Name an IP address of this machine, such as 127.0.0.1.'
    return Promise.reject(
      serviceFault({ code: 'BAD_LISTEN_HOST', host }, `'${host}' is not an IP address`, { hint }),
    )
  }
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    highWaterMark: SOCKET_HIGH_WATER_BYTES,
  })
  return new Promise((resolve, reject) => {
    const onRefused = (error: NodeJS.ErrnoException): void => reject(listenFault(host, port, error))
    server.once('error', onRefused)
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.off('error', onRefused)
      server.on('error', onError)
      server.on('connection', onClient)
      resolve({ port: boundPort(server, port), close: () => server.close() })
    })
  })
}

function boundPort(server: Server, asked: number): number {
  const address = server.address()
  return address === null || typeof address === 'string' ? asked : address.port
}

function listenFault(host: string, port: number, cause: NodeJS.ErrnoException) {
  switch (cause.code) {
    case 'EADDRINUSE':
      return serviceFault(
        { code: 'PORT_IN_USE', host, port },
        `port ${port} on ${host} is in use by another program`,
        { cause, hint: 'Choose another port, or 0 for one that is free.' },
      )
    case 'EACCES':
      return serviceFault(
        { code: 'PORT_FORBIDDEN', host, port },
        `this user may not listen on port ${port} of ${host}`,
        { cause, hint: 'Choose a port from 1024 up.' },
      )
    default:
      return serviceFault(
        { code: 'LISTEN_FAILED', host, port },
        `cannot listen on port ${port} of ${host}: ${cause.message}`,
        { cause, hint: 'Name an IP address of this machine.' },
      )
  }
}
