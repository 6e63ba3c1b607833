import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createHttpReceiver, type HttpReceiver } from '../../../tests/helpers/http-receiver.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { MetricFamily } from '../../contract/metrics.ts'
import type { OtlpExport } from './otlp-ends.ts'
import { startOtlpMetrics } from './otlp-metrics.ts'

const HOUR_MS = 3_600_000
const FAMILIES: MetricFamily[] = [
  {
    ...{ name: 'x0t_link_round_trip_seconds', help: 'Round trip.', type: 'gauge' },
    samples: [{ labels: { peer: 'boris' }, value: 0.0234 }],
  },
  {
    ...{ name: 'x0t_alerts_lost_total', help: 'Lost.', type: 'counter' },
    samples: [{ labels: {}, value: 3 }],
  },
]

let folder: string
let receiver: HttpReceiver
let outcomes: (string | undefined)[]
let running: OtlpExport

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-otlp-'))
  receiver = await createHttpReceiver()
  receiver.answer = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' }
  outcomes = []
  await writeFile(join(folder, 'token'), 'a-token-of-the-collector\n', { mode: 0o600 })
  running = startOtlpMetrics(
    { clock: createManualClock(), collect: () => FAMILIES, onOutcome: (problem) => outcomes.push(problem) },
    { url: `${receiver.url}/`, secretFile: join(folder, 'token'), everyMs: HOUR_MS },
    { node: 'ada', mesh: 'home', peer: '12D3KooWx' },
  )
})
afterEach(async () => {
  receiver.answer = { status: 200, text: '{}' }
  await running.stop()
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

it('sends the figures with their units, and says who they are of', async () => {
  await running.flush()
  const [{ path, headers, text } = expect.fail('nothing came')] = receiver.received
  expect(path).toBe('/v1/metrics')
  expect(headers.authorization).toBe('Bearer a-token-of-the-collector')
  const sent: unknown = JSON.parse(text)
  expect(sent).toMatchObject({
    resourceMetrics: [
      {
        resource: {
          attributes: expect.arrayContaining([
            { key: 'service.name', value: { stringValue: 'x0t' } },
            { key: 'host.name', value: { stringValue: 'ada' } },
          ]),
        },
      },
    ],
  })
  const metrics = text.slice(text.indexOf('x0t_link_round_trip_seconds'))
  expect(metrics).toMatch(/"unit":"s".*"gauge".*"boris".*"asDouble":0\.0234/)
  expect(metrics).toMatch(
    /x0t_alerts_lost_total.*"isMonotonic":true|"isMonotonic":true.*x0t_alerts_lost_total/,
  )
  expect(outcomes).toEqual([undefined])
})

it('says why nothing arrives, without the token', async () => {
  receiver.answer = { status: 401, text: 'who are you?' }
  await running.flush().catch(() => {})
  await rm(join(folder, 'token'))
  await running.flush().catch(() => {})
  expect(outcomes.length).toBeGreaterThan(1)
  for (const problem of outcomes) {
    expect(problem).toMatch(/./)
    expect(problem).not.toContain('a-token')
  }
  expect(receiver.received).toHaveLength(1)
})
