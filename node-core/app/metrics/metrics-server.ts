import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { MetricFamily } from '../../contract/metrics.ts'
import { PROMETHEUS_TYPE, prometheusText } from '../../contract/prometheus-text.ts'
import { http } from '../../platform/http.ts'

export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

const MAX_CONNECTIONS = 16
const REQUEST_MS = 5_000

/** A page of the web whose name leads to this machine must not read along: its browser sends that name. */
const isExpectedHost = (host = ''): boolean =>
  /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\]|[a-z0-9-]+(?:\.[a-z0-9-]+)?\.mesh)(?::[0-9]+)?$/.test(host)

/** Serves `GET /metrics` and nothing else. */
export async function startMetricsServer(
  collect: () => readonly MetricFamily[],
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = http.createServer((request, response) => answer(request, response, collect))
  server.maxConnections = MAX_CONNECTIONS
  server.requestTimeout = REQUEST_MS
  server.headersTimeout = REQUEST_MS
  server.listen({ host, port })
  await once(server, 'listening')
  // A scraper keeps its connection; that is no reason for a node to stay.
  server.unref()
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  collect: () => readonly MetricFamily[],
): void {
  const refuse = (status: number, text: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
  }
  const serve = (): void => {
    try {
      const text = prometheusText(collect())
      const type = { 'content-type': PROMETHEUS_TYPE, 'cache-control': 'no-store' }
      response.writeHead(200, type).end(method === 'HEAD' ? undefined : text)
    } catch {
      refuse(500, 'the figures could not be read')
    }
  }
  const { pathname } = URL.parse(url ?? '', 'http://localhost') ?? {}
  if (!isExpectedHost(headers.host)) refuse(403, 'not under this name')
  else if (pathname !== '/metrics') refuse(404, 'the figures are at /metrics')
  else if (method !== 'GET' && method !== 'HEAD') refuse(405, 'only GET')
  else serve()
}
