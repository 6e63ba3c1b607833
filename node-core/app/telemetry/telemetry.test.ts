import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { incidentId, planOf } from '../../../tests/helpers/healing-documents.ts'
import { createHttpReceiver, type HttpReceiver } from '../../../tests/helpers/http-receiver.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { JoinId, NodeName, PeerId } from '../../domain/ids.ts'
import type { Plan, PlanStep } from '../../domain/plan.ts'
import type { MembershipEvents } from '../../mesh/membership/events.ts'
import type { HandshakeEvents } from '../../noise-hfs/events.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { createHealthBoard } from '../health-board.ts'
import { createLog, type Log, type LogLine } from '../logging/log.ts'
import { type OtlpExport, QUEUE } from './otlp-ends.ts'
import type { OtlpSignal } from './signals.ts'
import { createSpanLine } from './span-line.ts'
import { startTelemetry } from './telemetry.ts'

const START = 1_700_000_000_000
const fails = (error: unknown): never => {
  throw error
}

let folder: string
let receiver: HttpReceiver
let log: Log
let running: OtlpExport | undefined
const clock = createManualClock(START)
const spans = createSpanLine({ clock })
const handshakes = createEmitter<HandshakeEvents>(fails)
const membership = createEmitter<MembershipEvents>(fails)
const plans = createEmitter<{ plan: Plan; status: Record<string, never> }>(fails)
const health = createHealthBoard()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-telemetry-'))
  receiver = await createHttpReceiver()
  receiver.answer = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' }
  log = createLog({ clock }, { dir: folder, level: 'debug', maxSizeMb: 1, keep: 2 })
})
afterEach(async () => {
  await running?.stop()
  log.close()
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

let followers = 0
function followed(listener: (line: LogLine) => void): () => void {
  followers += 1
  const off = log.follow(listener)
  return () => {
    followers -= 1
    off()
  }
}

async function start(...signals: OtlpSignal[]): Promise<OtlpExport> {
  running = await startTelemetry(
    {
      ...{ clock, logger: log.logger, health, spans, handshakes, collect: () => [] },
      log: { follow: followed },
      facts: { nodeName: 'ada' as NodeName, name: 'home' },
      membership: { self: '12D3KooWself' as PeerId, events: membership },
      heal: { loop: { events: plans } },
    },
    { url: receiver.url, everyMs: 3_600_000, signals },
  )
  return running
}

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface SentSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly status: { readonly code: number; readonly message?: string }
}

/** All that one path got, in the words of the protocol. */
function sent<T>(path: string, kind: string, items: string): T[] {
  return receiver.received
    .filter((post) => post.path === path)
    .flatMap(({ text }) => JSON.parse(text)[`resource${kind}`])
    .flatMap((resource) => resource[`scope${kind}`])
    .flatMap((inner) => inner[items])
}
const attributeOf = ({ attributes }: { readonly attributes: readonly Attribute[] }, key: string): unknown =>
  Object.values(attributes.find((one) => one.key === key)?.value ?? {})[0]

it('sends dials, handshakes and joins with how long they took and why they failed', async () => {
  const telemetry = await start('traces')
  const failing = spans.measure(
    'x0t.dial',
    () => ({ 'x0t.addresses': '/ip4/127.0.0.1/tcp/1' }),
    async () => {
      clock.advance(250)
      throw new Error(`no connection with x0t1${'Qm9zZ_-'.repeat(9)}`)
    },
  )
  await expect(failing).rejects.toThrow('no connection')
  const at = {
    direction: 'inbound',
    suite: 'xxhfs',
    remoteAddress: '/ip4/10.0.0.1/tcp/2',
    peer: 'p',
  } as const
  handshakes.emit('secured', { ...at, tookMs: 12 })
  for (let flood = 0; flood < 1_000; flood += 1)
    handshakes.emit('refused', { ...at, by: 'local', code: 'revoked', reason: 'it is revoked' })
  const id = 'join-1' as JoinId
  const [peer, name] = ['12D3KooWjoin' as PeerId, 'dora' as NodeName]
  const times = { requestedAt: clock.now(), expiresAt: clock.now() + 99_000 }
  membership.emit('joinPending', { id, peer, name, role: 'none', ...times })
  clock.advance(30_000)
  membership.emit('joinDecided', { id, state: 'approved' })
  await telemetry.flush()

  const all = sent<SentSpan>('/v1/traces', 'Spans', 'spans')
  expect(all.map((span) => span.name)).toEqual(['x0t.dial', 'x0t.handshake', 'x0t.handshake', 'x0t.join'])
  const [dial, secured, refused, join] = all
  const tookMs = (span: SentSpan | undefined): number =>
    Number(BigInt(span?.endTimeUnixNano ?? 0) - BigInt(span?.startTimeUnixNano ?? 0)) / 1e6
  expect([dial, secured, refused, join].map(tookMs)).toEqual([250, 12, 0, 30_000])
  expect(dial?.startTimeUnixNano).toBe(`${START}000000`)
  expect(dial?.status).toEqual({ code: 2, message: 'no connection with x0t1[hidden]' })
  expect(refused?.status).toEqual({ code: 2, message: 'refused by local: revoked' })
  expect([secured, join].map((span) => span?.status.code)).toEqual([0, 0])
  expect(join && attributeOf(join, 'x0t.peer.name')).toBe('dora')
  expect(receiver.received[0]?.text).not.toContain('Qm9zZ')
  expect(health.items()).toEqual([])
})

it('sends a plan with its steps below it, once, under the name of the incident', async () => {
  const telemetry = await start('traces')
  const [some = expect.fail('no step')] = planOf(7).steps
  const steps: PlanStep[] = [
    { ...some, id: 'redial', state: 'done', startedAt: START + 100, endedAt: START + 200 },
    {
      ...some,
      id: 'reroute',
      state: 'failed',
      startedAt: START + 200,
      endedAt: START + 900,
      outcome: 'no way',
    },
    { ...some, id: 'notify', state: 'skipped', startedAt: undefined, endedAt: undefined },
  ]
  const plan = planOf(7, { steps, createdAt: START, incident: incidentId(5) })
  const over = { ...plan, state: 'failed', reason: 'reroute: no way', endedAt: START + 1_000 } as const
  for (const one of [{ ...plan, state: 'running' } as const, over, over]) plans.emit('plan', one)
  await telemetry.flush()
  const all = sent<SentSpan>('/v1/traces', 'Spans', 'spans')
  const parent = all.find(({ name }) => name === 'x0t.plan') ?? expect.fail('no plan')
  const children = all.filter((span) => span.parentSpanId === parent.spanId)
  expect(all).toHaveLength(3)
  expect(new Set(all.map(({ traceId }) => traceId)).size).toBe(1)
  expect(children.map((span) => [attributeOf(span, 'x0t.step.id'), span.status.code])).toEqual([
    ['redial', 0],
    ['reroute', 2],
  ])
  expect(all.map((span) => attributeOf(span, 'x0t.correlation_id'))).toEqual(Array(3).fill(incidentId(5)))
  expect(parent.status.message).toBe('reroute: no way')
})

it('sends the lines of the log with their severity, as clean as they are in the file', async () => {
  const telemetry = await start('logs')
  log.logger.trace('not wanted')
  log.logger.child({ component: 'mesh' }).warn('a link is down', { peer: 'boris', rttMs: 3.5, ends: ['a'] })
  log.logger.error('odd', { passphrase: 'correct horse', gone: undefined })
  await telemetry.flush()
  const [warned, odd, ...more] = sent<Record<string, unknown> & { attributes: Attribute[] }>(
    ...(['/v1/logs', 'Logs', 'logRecords'] as const),
  )
  expect(more).toEqual([])
  expect(warned).toMatchObject({
    ...{ severityNumber: 13, severityText: 'WARN', body: { stringValue: 'a link is down' } },
    timeUnixNano: `${clock.now()}000000`,
  })
  const values = ['component', 'peer', 'rttMs', 'ends'].map((key) => warned && attributeOf(warned, key))
  expect(values).toEqual(['mesh', 'boris', 3.5, '["a"]'])
  expect(odd).toMatchObject({ severityNumber: 17, attributes: [{ key: 'passphrase' }] })
  expect(receiver.received.map(({ text }) => text).join()).not.toContain('correct horse')
})

it('keeps a bounded number of what nobody takes, and says once in the log and in the status that it does not arrive', async () => {
  const telemetry = await start('traces', 'logs')
  receiver.answer = { status: 400, text: 'no' }
  const warnings: string[] = []
  log.follow(({ level, fields }) => {
    if (level === 'warn') warnings.push(String(fields['signal']))
  })
  for (let line = 0; line < 3_000; line += 1) log.logger.debug('again', { line })
  await telemetry.flush().catch(() => {})
  await telemetry.flush().catch(() => {})
  const lines = sent('/v1/logs', 'Logs', 'logRecords').length
  // What waits, and a batch that was on its way already.
  expect(lines).toBeGreaterThanOrEqual(QUEUE.maxQueueSize)
  expect(lines).toBeLessThanOrEqual(QUEUE.maxQueueSize + QUEUE.maxExportBatchSize + 1)
  expect(warnings).toEqual(['logs'])
  expect(health.items()).toMatchObject([{ code: 'otlp-failing', title: expect.stringContaining('logs: ') }])
  receiver.answer = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' }
  log.logger.debug('better')
  await telemetry.flush()
  expect(health.items()).toEqual([])
})

it('follows nothing for signals that nobody wants, and nothing any more once stopped', async () => {
  const telemetry = await start('metrics')
  log.logger.error('unheard')
  await spans.measure(
    'x0t.dial',
    () => expect.fail('nobody follows'),
    async () => {},
  )
  await telemetry.stop()
  const again = await start('traces', 'logs')
  expect(followers).toBe(1)
  await again.stop()
  expect(followers).toBe(0)
  await spans.measure(
    'x0t.dial',
    () => expect.fail('nobody follows'),
    async () => {},
  )
  expect(receiver.received.filter(({ path }) => path !== '/v1/metrics')).toEqual([])
})
