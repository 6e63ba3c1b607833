import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { RPCHandler } from '@orpc/server/node'
import { RequestHeadersPlugin } from '@orpc/server/plugins'
import { signInRequestSchema } from '../../contract/console-schemas.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { CallContext } from '../gate.ts'
import type { RpcPeerDeps } from '../rpc-peer.ts'
import {
  bracketed,
  callVerdict,
  consoleHosts,
  fileVerdict,
  type GuardOptions,
  type GuardVerdict,
} from './guard.ts'
import { openPageFiles, type PageFiles, securityHeaders } from './page-files.ts'
import { createRpcSockets, type RpcSockets } from './rpc-socket.ts'
import type { Session, Sessions } from './sessions.ts'

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
const MAX_BODY_BYTES = 256 * 1024
const MAX_SIGN_IN_BYTES = 1_024
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
      ? createServer(limits)
      : createSecureServer({ ...limits, ...options.tls, minVersion: 'TLSv1.3' })
  server.maxConnections = MAX_CONNECTIONS
  server.timeout = IDLE_SOCKET_MS
  const { port } = await listen(server, options)
  const guard = { secure, hosts: consoleHosts(options.host, port, secure, options.hosts) }
  const sockets = createRpcSockets(deps)
  const stopping = new AbortController()
  const answerer = createAnswerer(deps, { ...options, files, guard, stopping: stopping.signal })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answerer(request, response).catch((error: unknown) => {
      deps.logger.debug('a request of the console broke off', { reason: messageOf(error) })
      response.destroy()
    })
  })
  server.on('upgrade', upgrader(sockets, guard, deps.logger))
  server.on('error', (error) => deps.logger.error('the web console failed', { reason: messageOf(error) }))
  const [named] = options.hosts
  const shown = named ?? (options.host === '0.0.0.0' || options.host === '::' ? 'localhost' : options.host)
  return {
    origin: `${secure ? 'https' : 'http'}://${bracketed(shown)}:${port}`,
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

/** The path as it was sent, without its query; empty for what is no path. */
const pathOf = ({ url = '' }: IncomingMessage): string =>
  url.startsWith('/') ? (url.split('?', 1)[0] ?? '') : ''

interface AnswererOptions extends WebServerOptions {
  readonly files: PageFiles
  readonly guard: GuardOptions
  readonly stopping: AbortSignal
}

function createAnswerer(deps: WebServerDeps, options: AnswererOptions) {
  const { logger, sessions } = deps
  const { files, guard, stopping } = options
  const headers = { ...securityHeaders(guard.secure), 'cache-control': 'no-store' }

  function answer(
    response: ServerResponse,
    status: number,
    body: object,
    more: Record<string, string> = {},
  ): void {
    response.writeHead(status, { ...headers, 'content-type': 'application/json', ...more })
    response.end(JSON.stringify({ schema: 1, ...body }))
  }

  const refuse = (response: ServerResponse, status: number, code: string, message: string, hint = ''): void =>
    answer(response, status, { error: { code, message, hint } }, { connection: 'close' })

  async function signIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = signInRequestSchema.safeParse(await readJson(request, MAX_SIGN_IN_BYTES))
    const outcome = sessions.signIn(body.data?.secret ?? '', request.socket.remoteAddress ?? '')
    switch (outcome.kind) {
      case 'signed-in': {
        const { token, session } = outcome.signedIn
        logger.info('a browser signed in to the web console', { session: session.id, role: session.role })
        const { id, role, expiresAt } = session
        answer(response, 200, { token, session: id, role, expiresAt, idleMs: options.idleMs })
        return
      }
      case 'refused':
        logger.warn('a sign-in to the web console was refused')
        refuse(response, 401, 'LINK_NOT_VALID', 'this link was used already, or is too old', GET_LINK)
        return
      case 'too-many':
        response.setHeader('retry-after', String(Math.ceil(outcome.retryMs / 1_000)))
        refuse(
          response,
          429,
          'TOO_MANY_SIGN_INS',
          'too many sign-ins failed',
          'Wait a minute, then get a new link.',
        )
    }
  }

  function sessionOf(request: IncomingMessage): Session | undefined {
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? '')?.[1]
    return token === undefined ? undefined : sessions.find(token, true)
  }

  async function call(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
    const context: CallContext = {
      caller: { via: 'web', role: session.role, session: session.id },
      stopping: AbortSignal.any([stopping, session.ended]),
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const { matched } = await new RPCHandler<CallContext>(deps.router(), {
      plugins: [new RequestHeadersPlugin()],
    }).handle(request, response, {
      prefix: '/rpc',
      context,
    })
    if (!matched) refuse(response, 404, 'UNKNOWN_OPERATION', 'this node has no such operation')
  }

  function refuseVerdict(response: ServerResponse, verdict: Exclude<GuardVerdict, 'ok'>): void {
    logger.warn('a request to the web console was refused', { verdict })
    refuse(
      response,
      verdict === 'foreign-host' ? 421 : 403,
      verdict.toUpperCase().replace('-', '_'),
      REFUSALS[verdict],
    )
  }

  async function callOf(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const verdict = callVerdict(guard, request.headers)
    if (verdict !== 'ok') {
      refuseVerdict(response, verdict)
      return
    }
    const problem = bodyProblem(request, path === '/session' ? MAX_SIGN_IN_BYTES : MAX_BODY_BYTES)
    if (problem !== undefined) {
      refuse(response, problem.status, problem.code, problem.message)
      return
    }
    if (path === '/session' && request.method === 'POST') {
      await signIn(request, response)
      return
    }
    const session = sessionOf(request)
    if (session === undefined) {
      refuse(response, 401, 'NOT_SIGNED_IN', 'nobody is signed in with this token', GET_LINK)
    } else if (path === '/session') {
      sessions.end(session.id)
      answer(response, 200, {})
    } else await call(request, response, session)
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request)
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (path === '/session' || path === '/rpc' || path.startsWith('/rpc/')) {
      if (request.method === 'POST' || (request.method === 'DELETE' && path === '/session')) {
        await callOf(request, response, path)
      } else refuse(response, 405, 'METHOD_NOT_ALLOWED', 'only POST is served here')
      return
    }
    const verdict = fileVerdict(guard, request.headers)
    if (verdict !== 'ok') refuseVerdict(response, verdict)
    else if (!reads) refuse(response, 405, 'METHOD_NOT_ALLOWED', 'only GET is served here')
    else if (!(await files.serve(request, response, path)))
      refuse(response, 404, 'NOT_FOUND', 'there is no such file')
  }
}

const GET_LINK = 'Get a new link with: x0t console'

const REFUSALS = {
  'foreign-host': 'this console is not known under that name',
  'missing-origin': 'a call has to say which page it comes from',
  'foreign-origin': 'calls are taken from the console’s own page alone',
} as const

interface BodyProblem {
  readonly status: number
  readonly code: string
  readonly message: string
}

function bodyProblem({ headers, method }: IncomingMessage, limit: number): BodyProblem | undefined {
  if (method === 'DELETE') return undefined
  // The whole length has to be known before anything is read: node:http then enforces it.
  const length = headers['content-length']
  if (length === undefined)
    return { status: 411, code: 'LENGTH_REQUIRED', message: 'content-length is missing' }
  if (Number(length) > limit)
    return { status: 413, code: 'TOO_LARGE', message: `at most ${limit} bytes are taken` }
  // Any other type could be sent by a foreign page without asking first.
  if (
    !/^application\/json\b/.test(headers['content-type'] ?? '') ||
    headers['content-disposition'] !== undefined
  ) {
    return { status: 415, code: 'NOT_JSON', message: 'a request is application/json' }
  }
  return undefined
}

async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    if (size > limit) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}
