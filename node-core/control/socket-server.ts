import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { RPCHandler } from '@orpc/server/node'
import { type Clock, systemClock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import { http } from '../platform/http.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { CallContext } from './gate.ts'
import { headersPlugin } from './headers-plugin.ts'
import type { NodeApi } from './node-api.ts'
import type { RemoteCaller } from './remote/remote-caller.ts'
import { createRouter } from './router.ts'
import { listenPrivately } from './socket-path.ts'

export interface ControlServerDeps {
  readonly api: NodeApi
  /** Asks other members for a caller that names one. */
  readonly remote?: RemoteCaller
  readonly logger: Logger
  readonly clock?: Clock
}

export interface ControlServerOptions {
  /** Of a Unix socket, at most 107 bytes, in a directory that exists; or of a Windows named pipe. */
  readonly path: string
}

/** Requests are small documents; a token is the largest thing in them. */
const MAX_BODY_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 8 * 1024
const MAX_CONNECTIONS = 64
const HEADERS_MS = 5_000
const REQUEST_MS = 10_000
const KEEP_ALIVE_MS = 5_000
/** Above the limit of an operation, so that it only meets sockets that nobody serves any more. */
const IDLE_SOCKET_MS = 75_000
/** An answer that is being written when the node stops, that of `node.down` above all, still gets out. */
const GRACE_MS = 250
const DRAIN_MS = 2_000
const RPC_PREFIX = '/rpc'

interface Rejection {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** What is refused before anything is read of the body. */
function rejectionOf(request: IncomingMessage): Rejection | undefined {
  if (request.method !== 'POST')
    return { status: 405, code: 'METHOD_NOT_ALLOWED', message: 'only POST is served' }
  // The body's whole length has to be known before it is read: node:http then enforces it.
  const length = request.headers['content-length']
  if (length === undefined)
    return { status: 411, code: 'LENGTH_REQUIRED', message: 'content-length is missing' }
  if (Number(length) > MAX_BODY_BYTES) {
    return { status: 413, code: 'TOO_LARGE', message: `a request has at most ${MAX_BODY_BYTES} bytes` }
  }
  if (request.headers['content-disposition'] !== undefined || !isJson(request.headers['content-type'])) {
    return { status: 415, code: 'NOT_JSON', message: 'a request is application/json' }
  }
  return undefined
}

const isJson = (type: string | undefined): boolean => type === undefined || /^application\/json\b/.test(type)

function answer(response: ServerResponse, { status, code, message }: Rejection): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ schema: 1, error: { code, message, hint: '' } }))
}

/**
 * Serves the contract over oRPC and HTTP on a private Unix socket (mode 0600) or a Windows named pipe. Whoever can open
 * it is the owner of this node.
 *
 * `start` rejects with FaultError NODE_ALREADY_RUNNING or SOCKET_UNUSABLE. `stop` takes no new
 * request, lets answers that are on their way out, aborts what still runs after 250 ms, and removes the socket.
 */
export function createControlServer(
  { api, remote, logger, clock = systemClock }: ControlServerDeps,
  { path }: ControlServerOptions,
): Lifecycle {
  let running: { server: Server; stopping: AbortController } | undefined

  function serve(stopping: AbortSignal): Server {
    const router = createRouter({ api, clock, logger, ...(remote === undefined ? {} : { remote }) })
    const handler = new RPCHandler<CallContext>(router, { plugins: [headersPlugin()] })
    const context: CallContext = { caller: { via: 'local-socket', role: 'owner' }, stopping }
    const server = http.createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    })
    server.maxConnections = MAX_CONNECTIONS
    server.timeout = IDLE_SOCKET_MS
    server.on('request', (request, response) => {
      const rejection = rejectionOf(request)
      if (rejection !== undefined) {
        answer(response, rejection)
        return
      }
      handler.handle(request, response, { prefix: RPC_PREFIX, context }).then(
        ({ matched }) => {
          if (matched) return
          answer(response, {
            status: 404,
            code: 'UNKNOWN_OPERATION',
            message: 'this node has no such operation',
          })
        },
        (error: unknown) => {
          // The caller left in the middle, or sent less than it promised.
          logger.debug('a control request broke off', { reason: messageOf(error) })
          response.destroy()
        },
      )
    })
    server.on('drop', () => logger.warn('a control connection was refused: too many are open'))
    return server
  }

  return {
    async start() {
      if (running !== undefined) return
      const stopping = new AbortController()
      const server = serve(stopping.signal)
      await listenPrivately(server, path)
      server.on('error', (error) => logger.error('the control socket failed', { reason: messageOf(error) }))
      running = { server, stopping }
    },

    async stop() {
      if (running === undefined) return
      const { server, stopping } = running
      running = undefined
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const cancelGrace = clock.after(GRACE_MS, () => stopping.abort())
      const cancelDrain = clock.after(DRAIN_MS, () => server.closeAllConnections())
      await closed
      cancelGrace()
      cancelDrain()
    },
  }
}
