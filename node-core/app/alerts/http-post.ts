import type { IncomingMessage, RequestOptions } from 'node:http'
import { http } from '../../platform/http.ts'
import { notTold, unreachable } from './delivery-fault.ts'

export interface PostRequest {
  /** In messages: `the webhook`. */
  readonly what: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Taken out of whatever the receiver says. */
  readonly hide?: string
}

const MAX_ANSWER_BYTES = 16 * 1024
const MAX_QUOTED = 200
const MAX_RETRY_AFTER_S = 3_600

/**
 * Posts once and follows to no other place; gives what was answered. Without fetch, which costs a node megabytes.
 *
 * @throws FaultError NOTIFY_FAILED for no answer and for one that is not 2xx
 */
export async function httpPost(request: PostRequest, signal: AbortSignal): Promise<string> {
  const { what } = request
  const url = URL.parse(request.url)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw notTold(what, 'its address is not an http or https one', { retry: false })
  const answer = await send(url, request, signal).catch((error: unknown) => {
    throw unreachable(what, error)
  })
  const { status } = answer
  if (status >= 200 && status < 300) return answer.text
  const hidden = request.hide === undefined ? answer.text : answer.text.replaceAll(request.hide, '...')
  const said = hidden
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, MAX_QUOTED)
  throw notTold(what, `it answered ${status}${said === '' ? '' : `: ${said}`}`, {
    // Busy or broken now, and not "this request is wrong".
    retry: status >= 500 || status === 429 || status === 408,
    retryAfterMs: answer.retryAfterMs,
  })
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number | undefined
}

async function send(url: URL, { headers, body }: PostRequest, signal: AbortSignal): Promise<Answer> {
  const options: RequestOptions = {
    ...{ method: 'POST', signal, agent: false },
    headers: { ...headers, 'content-length': String(Buffer.byteLength(body)), 'user-agent': 'x0t' },
  }
  // By itself: a node whose receivers speak plain HTTP needs no TLS.
  const make = url.protocol === 'https:' ? (await import('../../platform/https.ts')).https : http
  return new Promise((resolve, reject) => {
    const request = make.request(url, options, (response) => {
      read(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk as Uint8Array)
    chunks.push(bytes)
    length += bytes.length
    // What follows is not looked at; leaving the loop closes the connection.
    if (length > MAX_ANSWER_BYTES) break
  }
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN)
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    retryAfterMs: seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000 : undefined,
  }
}
