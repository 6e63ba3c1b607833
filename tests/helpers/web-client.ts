import { request } from 'node:http'
import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/websocket'
import type { ContractRouterClient } from '@orpc/contract'
import { signInAnswerSchema, socketWelcomeSchema } from '../../node-core/contract/console-schemas.ts'
import type { Contract } from '../../node-core/contract/contract.ts'

export interface WebAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface WebAsk {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** One request as any program could send it: with the headers given here and no others. */
export function ask(
  origin: string,
  path: string,
  { method = 'GET', headers = {}, body }: WebAsk = {},
): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(origin)
    const outgoing = request(
      { hostname, port, path, method, agent: false, setHost: false, headers: { host, ...headers } },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part: string) => {
          text += part
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** A POST of JSON as the console's own page sends it; `headers` add to it and replace. */
export function post(
  origin: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebAnswer> {
  const text = JSON.stringify(body)
  return ask(origin, path, {
    method: 'POST',
    body: text,
    headers: {
      origin,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(text)),
      ...headers,
    },
  })
}

/** What the page does with a link: `http://127.0.0.1:7071/#sign-in=SECRET`. */
export async function signIn(url: string) {
  const { origin, hash } = new URL(url)
  const answer = await post(origin, '/session', { secret: hash.replace('#sign-in=', '') })
  if (answer.status !== 200) throw new Error(`the sign-in was answered ${answer.status}: ${answer.text}`)
  return { origin, ...signInAnswerSchema.parse(JSON.parse(answer.text)) }
}

export interface WebLine {
  readonly client: ContractRouterClient<Contract>
  readonly socket: WebSocket
  /** The code with which the node closed it. */
  readonly closed: Promise<number>
}

/** A WebSocket whose first frame is the token. Rejects when the node closes it instead of a welcome. */
export async function connectWeb(
  origin: string,
  token: string,
  /** Of every call; `x0t-node` names another member. */
  headers: Readonly<Record<string, string>> = {},
): Promise<WebLine> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/rpc`, { headers: { origin } })
  const closed = new Promise<number>((resolve) => {
    socket.addEventListener('close', ({ code }) => resolve(code), { once: true })
  })
  await new Promise<void>((resolve, reject) => {
    closed.then((code) => reject(new Error(`closed with ${code}`)))
    socket.addEventListener('open', () => socket.send(JSON.stringify({ token })), { once: true })
    socket.addEventListener(
      'message',
      ({ data }) => {
        socketWelcomeSchema.parse(JSON.parse(String(data)))
        resolve()
      },
      { once: true },
    )
  })
  const client: ContractRouterClient<Contract> = createORPCClient(
    new RPCLink({ websocket: socket, headers: { ...headers } }),
  )
  return { client, socket, closed }
}
