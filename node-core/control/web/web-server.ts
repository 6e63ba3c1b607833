import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { http } from '../../platform/http.ts'
import { https } from '../../platform/https.ts'
import type { Logger } from '../../platform/logger.ts'
import type { RpcPeerDeps } from '../rpc-peer.ts'
import { bracketed, callVerdict, consoleHosts, type GuardOptions } from './guard.ts'
import { openPageFiles } from './page-files.ts'
import { createRequests, pathOf } from './requests.ts'
import { createRpcSockets, type RpcSockets } from './rpc-socket.ts'
import type { Sessions } from './sessions.ts'

export type WebFault = { code: 'CONSOLE_LISTEN_FAILED'; address: string } | { code: 'CONSOLE_NOT_BUILT' }

export interface WebServerDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly sessions: Sessions
  /** What is served now, asked for at each call. */
  router(): RpcPeerDeps['router']
}

export interface WebServerOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** Needed for every host that is not loopback: whoever gave the options has checked that. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined
  /** Other names under which it is reached. */
  readonly hosts: readonly string[]
  /** The folder of the built page. */
  readonly page: string
  readonly idleMs: number
}

export interface WebServer {
  /** `http://127.0.0.1:7071`. */
  readonly origin: string
  readonly port: number
  connectionsOf(session: string): number
  /** What waits to be read by the slowest reader. */
  unsentBytes(): number
  /** What is served has changed: every page is told to connect again. */
  reconnectAll(): void
  stop(): Promise<void>
}

const MAX_HEADER_BYTES = 8 * 1024
const MAX_CONNECTIONS = 96
const HEADERS_MS = 5_000
const REQUEST_MS = 15_000
const KEEP_ALIVE_MS = 5_000
const IDLE_SOCKET_MS = 75_000
const DRAIN_MS = 1_000

/**
 * The web console: its page, sign-in, and the contract over WebSocket and HTTP.
 *
 * @throws FaultError CONSOLE_LISTEN_FAILED, CONSOLE_NOT_BUILT
 */
export async function startWebServer(deps: WebServerDeps, options: WebServerOptions): Promise<WebServer> {
  const secure = options.tls !== undefined
  const files = await openPageFiles(options.page, { secure }).catch((error: unknown) => {
    throw new FaultError<WebFault>({ code: 'CONSOLE_NOT_BUILT' }, messageOf(error), {
      cause: error,
      hint: 'Build it with npm run build.',
    })
  })
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  }
  const server =
    options.tls === undefined
      ? http.createServer(limits)
      : https.createServer({ ...limits, ...options.tls, minVersion: 'TLSv1.3' })
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_SOCKET_MS
  const { port } = await listen(server, options)
  const guard = { secure, hosts: consoleHosts(options.host, port, secure, options.hosts) }
  const [named] = options.hosts
  const shown = named ?? (options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host)
  const origin = `${secure ? 'https' : 'http'}://${bracketed(shown)}:${port}`
  const sockets = createRpcSockets(deps)
  const stopping = new AbortController()
  const answerer = createRequests(
    { ...deps, files },
    { guard, origin, idleMs: options.idleMs, stopping: stopping.signal },
  )
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answerer(request, response).catch((error: unknown) => {
      deps.logger.debug('a request of the console broke off', { reason: messageOf(error) })
      response.destroy()
    })
  })
  server.on('upgrade', upgrader(sockets, guard, deps.logger))
  server.on('error', (error) => deps.logger.error('the web console failed', { reason: messageOf(error) }))
  return {
    origin,
    port,
    connectionsOf: sockets.connectionsOf,
    unsentBytes: sockets.unsentBytes,
    reconnectAll: sockets.closeAll,
    async stop() {
      stopping.abort()
      sockets.closeAll()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const cancel = deps.clock.after(DRAIN_MS, () => server.closeAllConnections())
      await closed
      cancel()
    },
  }
}

function listen(server: Server, { host, port }: WebServerOptions): Promise<AddressInfo> {
  const address = `${bracketed(host)}:${port}`
  return new Promise((resolve, reject) => {
    const onError = (cause: Error): void =>
      reject(
        new FaultError<WebFault>(
          { code: 'CONSOLE_LISTEN_FAILED', address },
          `the web console cannot listen at ${address}: ${messageOf(cause)}`,
          { cause, hint: 'Name another address or port: console.listen in x0t.yaml.' },
        ),
      )
    server.once('error', onError)
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', onError)
      const bound = server.address()
      if (bound === null || typeof bound === 'string') reject(new TypeError('a TCP server has a port'))
      else resolve(bound)
    })
  })
}

function upgrader(sockets: RpcSockets, guard: GuardOptions, logger: Logger) {
  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const verdict = callVerdict(guard, request.headers)
    if (verdict === 'ok' && pathOf(request) === '/rpc') {
      sockets.upgrade(request, socket, head)
      return
    }
    if (verdict !== 'ok') logger.warn('a connection to the web console was refused', { verdict })
    socket.end(
      `HTTP/1.1 ${verdict === 'ok' ? '404 Not Found' : '403 Forbidden'}\r\nconnection: close\r\n\r\n`,
    )
  }
}
