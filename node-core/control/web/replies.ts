import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../platform/logger.ts'
import type { GuardVerdict } from './guard.ts'
import { securityHeaders } from './page-files.ts'

/** Answers of the console that are not oRPC's, all in one form and none of them to be kept. */
export interface Replies {
  readonly headers: Readonly<Record<string, string>>
  json(response: ServerResponse, status: number, body: object, more?: Readonly<Record<string, string>>): void
  refuse(response: ServerResponse, status: number, code: string, message: string, hint?: string): void
  refuseVerdict(response: ServerResponse, verdict: Exclude<GuardVerdict, 'ok'>): void
}

const REFUSALS = {
  'foreign-host': 'this console is not known under that name',
  'missing-origin': 'a call has to say which page it comes from',
  'foreign-origin': 'calls are taken from the own page of the console alone',
} as const

export function createReplies(secure: boolean, logger: Logger): Replies {
  const headers = { ...securityHeaders(secure), 'cache-control': 'no-store' }
  const json: Replies['json'] = (response, status, body, more = {}) => {
    response.writeHead(status, { ...headers, 'content-type': 'application/json', ...more })
    response.end(JSON.stringify({ schema: 1, ...body }))
  }
  const refuse: Replies['refuse'] = (response, status, code, message, hint = '') =>
    json(response, status, { error: { code, message, hint } }, { connection: 'close' })
  return {
    ...{ headers, json, refuse },
    refuseVerdict(response, verdict) {
      logger.warn('a request to the web console was refused', { verdict })
      const code = verdict.toUpperCase().replace('-', '_')
      refuse(response, verdict === 'foreign-host' ? 421 : 403, code, REFUSALS[verdict])
    },
  }
}

export interface BodyProblem {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** What is refused before anything is read of the body. */
export function bodyProblem({ headers, method }: IncomingMessage, limit: number): BodyProblem | undefined {
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

/** The body as JSON; undefined for what is none or too long. */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
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
