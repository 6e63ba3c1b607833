import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedPost {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface HttpReceiver {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string
  readonly received: ReceivedPost[]
  /** What it answers with from now on. */
  answer: { status: number; headers?: Record<string, string>; text?: string }
  close(): Promise<void>
}

/** A real HTTP server on loopback that keeps what comes. */
export async function createHttpReceiver(): Promise<HttpReceiver> {
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      receiver.received.push({ method, path, headers, text })
      const { status, headers: extra, text: said } = receiver.answer
      response.writeHead(status, extra).end(said)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: HttpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: { status: 204 },
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return receiver
}
