import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { MetricFamily } from '../../contract/metrics.ts'
import { type MetricsServer, startMetricsServer } from './metrics-server.ts'

const FAMILY: MetricFamily = {
  ...{ name: 'x0t_node_member', help: 'Whether it is one.', type: 'gauge' },
  samples: [{ labels: {}, value: 1 }],
}
let collect: () => MetricFamily[]
let server: MetricsServer

beforeEach(async () => {
  collect = () => [FAMILY]
  server = await startMetricsServer(() => collect(), { host: '127.0.0.1', port: 0 })
})
afterEach(() => server.close())

async function ask(path: string, host = 'localhost', method = 'GET') {
  const call = request({
    host: '127.0.0.1',
    port: server.port,
    path,
    method,
    headers: { host },
    agent: false,
  })
  call.end()
  const [response]: IncomingMessage[] = (await once(call, 'response')) as IncomingMessage[]
  if (response === undefined) throw new TypeError('a response has come')
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode, type: response.headers['content-type'], text }
}

it('serves the figures as Prometheus asks for them', async () => {
  expect(await ask('/metrics')).toEqual({
    ...{ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' },
    text: '# HELP x0t_node_member Whether it is one.\n# TYPE x0t_node_member gauge\nx0t_node_member 1\n',
  })
  expect(await ask('/metrics?x=1', 'metrics.ada.mesh:9464')).toMatchObject({ status: 200 })
  expect(await ask('/metrics', '[::1]:9464', 'HEAD')).toMatchObject({ status: 200, text: '' })
})

it('serves nothing else, and no page whose name leads here', async () => {
  expect(await ask('/')).toMatchObject({ status: 404 })
  expect(await ask('/metrics', 'localhost', 'POST')).toMatchObject({ status: 405 })
  for (const host of ['evil.example.org', '127.0.0.1.evil.example.org', 'localhost.evil.org:9464'])
    expect(await ask('/metrics', host)).toMatchObject({ status: 403 })
})

it('outlives figures that cannot be read', async () => {
  collect = () => {
    throw new Error('a secret of the inside')
  }
  expect(await ask('/metrics')).toMatchObject({ status: 500, text: 'the figures could not be read\n' })
  collect = () => [FAMILY]
  expect(await ask('/metrics')).toMatchObject({ status: 200 })
})
