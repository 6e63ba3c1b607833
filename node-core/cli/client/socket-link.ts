import type { ClientRequest, IncomingMessage } from 'node:http'
import type { StandardLinkClient } from '@orpc/client/standard'
import { http } from '../../platform/http.ts'

export interface SocketLinkOptions {
  readonly path: string
  /** For the whole of one call. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** A status of a large mesh fits many times over. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

type StandardRequest = Parameters<StandardLinkClient<object>['call']>[0]
type StandardResponse = Awaited<ReturnType<StandardLinkClient<object>['call']>>

/** Carries oRPC calls as HTTP over a Unix socket or a named pipe, one connection for each, nothing left open after it. */
export function createSocketSender({
  path,
  timeoutMs,
  signal,
}: SocketLinkOptions): StandardLinkClient<object> {
  return {
    async call(standardRequest): Promise<StandardResponse> {
      const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal])
      const response = await send(path, standardRequest, limit)
      const text = await readAll(response)
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: async () => (text === '' ? undefined : (JSON.parse(text) as unknown)),
      }
    },
  }
}

function send(
  socketPath: string,
  { url, body, headers }: StandardRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = Buffer.from(JSON.stringify(body ?? {}))
  return new Promise((resolve, reject) => {
    const outgoing: ClientRequest = http.request(
      {
        socketPath,
        path: url.pathname,
        method: 'POST',
        agent: false,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': payload.length,
        },
        signal,
      },
      resolve,
    )
    outgoing.once('error', (error) => reject(signal.aborted ? signal.reason : error))
    outgoing.end(payload)
  })
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    size += (chunk as Buffer).length
    if (size > MAX_ANSWER_BYTES) throw new RangeError(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
