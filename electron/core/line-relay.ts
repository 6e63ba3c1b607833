/** The page's line: frames of the contract from a MessagePort, carried to the node's control socket and back. */
import { Readable } from 'node:stream'
import { isContractProcedure } from '@orpc/contract'
import { toStandardLazyResponse } from '@orpc/standard-server-fetch'
import { ServerPeer } from '@orpc/standard-server-peer'
import { contract } from '../../node-core/contract/contract.ts'
import type { LineHello } from '../../node-core/contract/desktop-schemas.ts'
import { http } from '../../node-core/platform/http.ts'

/** The part of a MessagePort that is used here. */
export interface LinePort {
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown
  once(event: 'close', listener: () => void): unknown
  postMessage(message: unknown): void
  start(): void
  close(): void
}

/** In the headers of a call: which member is meant. */
const NODE_HEADER = 'x0t-node'
/** One call of a page: an import of a configuration is the largest. */
const MAX_FRAME_BYTES = 256 * 1024
/** Calls at once: more than a page has. */
const MAX_CALLS = 64

type Handle = NonNullable<Parameters<ServerPeer['message']>[1]>
type Asked = Parameters<Handle>[0]
type Answered = Awaited<ReturnType<Handle>>

/** Paths of all operations: nothing else is carried to the socket. */
const OPERATIONS: ReadonlySet<string> = new Set(operationsIn(contract, ''))

function operationsIn(part: unknown, path: string): string[] {
  if (isContractProcedure(part)) return [path]
  if (typeof part !== 'object' || part === null) return []
  return Object.entries(part).flatMap(([name, inner]) => operationsIn(inner, `${path}/${name}`))
}

/** Says that there is no node, and why. */
export function refuseLine(port: LinePort, problem: Extract<LineHello, { kind: 'down' }>['problem']): void {
  const hello: LineHello = { kind: 'down', problem }
  port.start()
  port.postMessage(hello)
  port.close()
}

/** @returns what closes the line */
export function serveLine(
  port: LinePort,
  socketPath: string,
  /** Hears of each operation that the node did. */
  onDone: (operation: string) => void = () => {},
): () => void {
  const peer = new ServerPeer((message) => port.postMessage(message))
  const over = new AbortController()
  let calls = 0
  const close = (): void => {
    if (over.signal.aborted) return
    over.abort()
    peer.close()
    port.close()
  }
  port.once('close', close)
  port.on('message', ({ data }) => {
    const frame = frameOf(data)
    // What is no call of a page of ours comes from something that is none.
    if (frame === undefined || calls >= MAX_CALLS) {
      close()
      return
    }
    calls += 1
    peer
      .message(frame, async (asked) => {
        const answered = await carry(asked, socketPath, over.signal)
        if (answered.status < 400) onDone(asked.url.pathname)
        return answered
      })
      .catch(() => {})
      .finally(() => {
        calls -= 1
      })
  })
  const hello: LineHello = { kind: 'open' }
  port.postMessage(hello)
  port.start()
  return close
}

function frameOf(data: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (typeof data === 'string') return data.length <= MAX_FRAME_BYTES ? data : undefined
  const bytes = data instanceof ArrayBuffer || data instanceof Uint8Array ? new Uint8Array(data) : undefined
  return bytes !== undefined && bytes.length <= MAX_FRAME_BYTES ? bytes : undefined
}

async function carry(
  { url, headers, body, signal }: Asked,
  socketPath: string,
  over: AbortSignal,
): Promise<Answered> {
  if (!OPERATIONS.has(url.pathname)) return failure(404, 'NOT_FOUND', 'there is no such operation')
  try {
    const limit = signal === undefined ? over : AbortSignal.any([signal, over])
    const call = {
      path: `/rpc${url.pathname}`,
      payload: JSON.stringify(body ?? {}),
      node: headers[NODE_HEADER],
    }
    const response = await post(socketPath, call, limit)
    const answer = toStandardLazyResponse(response)
    return { status: answer.status, headers: answer.headers, body: await answer.body() }
  } catch {
    return failure(503, 'NODE_WENT_AWAY', 'the node went away before it answered')
  }
}

/** An error in the form that the page's client reads. */
function failure(status: number, code: string, message: string): Answered {
  return { status, headers: {}, body: { json: { defined: false, code, status, message }, meta: [] } }
}

interface Call {
  readonly path: string
  readonly payload: string
  /** The member that is meant, if the page named one. Nothing else of its headers is passed on. */
  readonly node: string | readonly string[] | undefined
}

function post(socketPath: string, { path, payload, node }: Call, signal: AbortSignal): Promise<Response> {
  const headers = {
    ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
    ...(typeof node === 'string' ? { [NODE_HEADER]: node } : {}),
  }
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      { socketPath, path, method: 'POST', agent: false, headers, signal },
      (incoming) => {
        const type = incoming.headers['content-type']
        resolve(
          new Response(Readable.toWeb(incoming), {
            status: incoming.statusCode ?? 502,
            headers: type === undefined ? {} : { 'content-type': type },
          }),
        )
      },
    )
    outgoing.once('error', reject)
    outgoing.end(payload)
  })
}
