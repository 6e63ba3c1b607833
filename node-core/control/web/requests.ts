import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RPCHandler } from '@orpc/server/node'
import { signInRequestSchema } from '../../contract/console-schemas.ts'
import type { Logger } from '../../platform/logger.ts'
import type { CallContext } from '../gate.ts'
import { headersPlugin } from '../headers-plugin.ts'
import type { RpcPeerDeps } from '../rpc-peer.ts'
import { callVerdict, fileVerdict, type GuardOptions } from './guard.ts'
import type { PageFiles } from './page-files.ts'
import { bodyProblem, createReplies, type Replies, readJson } from './replies.ts'
import type { Session, Sessions } from './sessions.ts'

export interface RequestsDeps {
  readonly logger: Logger
  readonly sessions: Sessions
  router(): RpcPeerDeps['router']
  readonly files: PageFiles
}

export interface RequestsOptions {
  readonly guard: GuardOptions
  readonly origin: string
  readonly idleMs: number
  readonly stopping: AbortSignal
}

export type Answerer = (request: IncomingMessage, response: ServerResponse) => Promise<void>

const MAX_BODY_BYTES = 256 * 1024
const MAX_SIGN_IN_BYTES = 1_024
const GET_LINK = 'Get a new link with: x0t console'

/** The path as it was sent, without its query; empty for what is no path. */
export const pathOf = ({ url = '' }: IncomingMessage): string =>
  url.startsWith('/') ? (url.split('?', 1)[0] ?? '') : ''

/** Whatever comes over HTTP: the page, sign-in, calls, and the reference of the API. */
export function createRequests(deps: RequestsDeps, options: RequestsOptions): Answerer {
  const { guard, origin } = options
  const replies = createReplies(guard.secure, deps.logger)
  const calls = createCalls(deps, options, replies)
  return async (request, response) => {
    const path = pathOf(request)
    const reads = request.method === 'GET' || request.method === 'HEAD'
    const isCall = path.startsWith('/rpc/') || (path.startsWith('/api/') && !reads)
    if (path === '/session' || path === '/rpc' || isCall) {
      if (request.method === 'POST' || (request.method === 'DELETE' && path === '/session')) {
        await calls(request, response)
      } else replies.refuse(response, 405, 'METHOD_NOT_ALLOWED', 'only POST is served here')
      return
    }
    const verdict = fileVerdict(guard, request.headers)
    if (verdict !== 'ok') replies.refuseVerdict(response, verdict)
    else if (!reads) replies.refuse(response, 405, 'METHOD_NOT_ALLOWED', 'only GET is served here')
    else if (path === '/api' || path === '/api/') await serveReference(response, origin, replies)
    else if (path === '/api/openapi.json') {
      const { createApiReference } = await import('./api-reference.ts')
      response.writeHead(200, { ...replies.headers, 'content-type': 'application/json' })
      response.end((await createApiReference(origin)).document)
    } else if (!(await deps.files.serve(request, response, path))) {
      replies.refuse(response, 404, 'NOT_FOUND', 'there is no such file')
    }
  }
}

async function serveReference(response: ServerResponse, origin: string, { headers }: Replies): Promise<void> {
  const { createApiReference } = await import('./api-reference.ts')
  const reference = await createApiReference(origin)
  const nonce = randomBytes(16).toString('base64')
  response.writeHead(200, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  })
  response.end(reference.page(nonce))
}

/** What acts for a session, or begins or ends one. */
function createCalls(deps: RequestsDeps, options: RequestsOptions, replies: Replies): Answerer {
  const { sessions } = deps
  const signIn = createSignIn(deps, options, replies)
  return async (request, response) => {
    const path = pathOf(request)
    const verdict = callVerdict(options.guard, request.headers)
    if (verdict !== 'ok') {
      replies.refuseVerdict(response, verdict)
      return
    }
    const problem = bodyProblem(request, path === '/session' ? MAX_SIGN_IN_BYTES : MAX_BODY_BYTES)
    if (problem !== undefined) {
      replies.refuse(response, problem.status, problem.code, problem.message)
      return
    }
    if (path === '/session' && request.method === 'POST') {
      await signIn(request, response)
      return
    }
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(request.headers.authorization ?? '')?.[1]
    const session = token === undefined ? undefined : sessions.find(token, true)
    if (session === undefined) {
      replies.refuse(response, 401, 'NOT_SIGNED_IN', 'nobody is signed in with this token', GET_LINK)
    } else if (path === '/session') {
      sessions.end(session.id)
      replies.json(response, 200, {})
    } else await call(request, response, session)
  }

  async function call(request: IncomingMessage, response: ServerResponse, session: Session): Promise<void> {
    const context: CallContext = {
      caller: { via: 'web', role: session.role, session: session.id },
      stopping: AbortSignal.any([options.stopping, session.ended]),
    }
    for (const [name, value] of Object.entries(replies.headers)) response.setHeader(name, value)
    const plugins = { plugins: [headersPlugin()] }
    const isApi = pathOf(request).startsWith('/api/')
    const handler = isApi
      ? new (await import('@orpc/openapi/node')).OpenAPIHandler<CallContext>(deps.router(), plugins)
      : new RPCHandler<CallContext>(deps.router(), plugins)
    const { matched } = await handler.handle(request, response, { prefix: isApi ? '/api' : '/rpc', context })
    if (!matched) replies.refuse(response, 404, 'UNKNOWN_OPERATION', 'this node has no such operation')
  }
}

function createSignIn(
  { logger, sessions }: RequestsDeps,
  { idleMs }: RequestsOptions,
  replies: Replies,
): Answerer {
  return async (request, response) => {
    const body = signInRequestSchema.safeParse(await readJson(request, MAX_SIGN_IN_BYTES))
    const outcome = sessions.signIn(body.data?.secret ?? '', request.socket.remoteAddress ?? '')
    switch (outcome.kind) {
      case 'signed-in': {
        const { token, session } = outcome.signedIn
        const { id, role, expiresAt } = session
        logger.info('a browser signed in to the web console', { session: id, role })
        replies.json(response, 200, { token, session: id, role, expiresAt, idleMs })
        return
      }
      case 'refused':
        logger.warn('a sign-in to the web console was refused')
        replies.refuse(response, 401, 'LINK_NOT_VALID', 'this link was used already, or is too old', GET_LINK)
        return
      case 'too-many':
        response.setHeader('retry-after', String(Math.ceil(outcome.retryMs / 1_000)))
        replies.refuse(
          response,
          429,
          'TOO_MANY_SIGN_INS',
          'too many sign-ins failed',
          'Wait a minute, then get a new link.',
        )
    }
  }
}
