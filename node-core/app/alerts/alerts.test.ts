import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createHttpReceiver, type HttpReceiver } from '../../../tests/helpers/http-receiver.ts'
import { incidentOf, peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import { planOf } from '../../../tests/helpers/plan-store.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import type { Plan } from '../../domain/plan.ts'
import { createIncidentBook, type IncidentBook } from '../../mapek/incidents/incident-book.ts'
import type { LoopEvents } from '../../mapek/loop/ports.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { silentLogger } from '../../platform/logger.ts'
import { alertsSchema } from '../config/alert-schema.ts'
import { createHealthBoard, type HealthBoard } from '../health-board.ts'
import { type Alerts, createAlerts } from './alerts.ts'

const NEVER = new AbortController().signal
const plans = createEmitter<LoopEvents>((error) => expect.fail(String(error)))

let folder: string
let receiver: HttpReceiver
let clock: ManualClock
let book: IncidentBook
let health: HealthBoard
let alerts: Alerts

const splunk = (more: object = {}) =>
  alertsSchema.parse([
    {
      name: 'ops',
      kind: 'splunk',
      url: receiver.url,
      secretFile: join(folder, 'token'),
      throttle: '0s',
      ...more,
    },
  ])

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'x0t-alerts-'))
  await writeFile(join(folder, 'token'), 'a-token-of-splunk', { mode: 0o600 })
  receiver = await createHttpReceiver()
  clock = createManualClock()
  health = createHealthBoard()
  const deps = { clock, random: seededRandom(7), logger: silentLogger }
  book = createIncidentBook({ ...deps, store: createMemoryIncidentStore() }, { self: peer('A') })
  await book.start()
  const feed = { incidents: book, plans, who: () => ({ node: 'ada', mesh: 'home' }) }
  alerts = createAlerts({ ...deps, health, feed }, { root: folder, channels: splunk() })
  await alerts.start()
})
afterEach(async () => {
  await alerts.stop()
  await receiver.close()
  await rm(folder, { recursive: true, force: true })
})

function open() {
  const { code, subject, severity, evidence } = incidentOf()
  const at = clock.now()
  const seen = { confidence: 1, impactsConnectivity: true, firstSeenAt: at, lastSeenAt: at }
  const root = { code, subject, severity, evidence, ...seen }
  return book.observe({ root, title: 'a link is down', consequences: [], diagnosis: 'It was cut.' })
}

const told = (): unknown[] =>
  receiver.received.map(({ text }) => {
    const { event }: { event: { event: string; title: string } } = JSON.parse(text)
    return `${event.event}: ${event.title}`
  })

/** Lets the channel send, as often as it takes: it may still be busy with the message before. */
const happened = (what: string, condition: () => boolean): Promise<void> =>
  eventually(what, () => {
    clock.advance(0)
    return condition()
  })
const reached = (count: number): Promise<void> =>
  happened(`${count} messages`, () => receiver.received.length === count)

it('tells of a fault, of what waits for a yes, and of its end', async () => {
  const incident = open() ?? expect.fail('not opened')
  await reached(1)
  const waiting: Plan = planOf({ incident: incident.id, state: 'waiting' })
  plans.emit('plan', waiting)
  await reached(2)
  plans.emit('plan', { ...waiting, reason: 'one yes of two' })
  plans.emit('plan', { ...waiting, state: 'running' })
  book.advance(incident.id, 'resolved', { at: clock.now(), kind: 'verification', text: 'It works.' })
  await reached(3)
  expect(told()).toEqual(['opened: a link is down', 'approval: a link is down', 'resolved: a link is down'])
})

it('tries a channel at once, also one that is switched off and asleep', async () => {
  await alerts.configure(splunk({ enabled: false, severities: [], quiet: ['00:00-00:00'] }))
  expect(await alerts.test('ops', NEVER)).toMatchObject({ delivered: true, problem: undefined })
  expect(told()).toEqual(['test: This is a test: nothing is wrong'])
  receiver.answer = { status: 403 }
  expect(await alerts.test('ops', NEVER)).toMatchObject({
    ...{ delivered: false, problem: 'Splunk was not told: it answered 403' },
  })
  await expect(alerts.test('oops', NEVER)).rejects.toThrow(/no alert channel oops/)
})

it('says on the health board which channel fails, until it does not', async () => {
  receiver.answer = { status: 403 }
  open()
  await happened('it failed', () => health.items().length > 0)
  expect(health.items()).toMatchObject([
    {
      code: 'alert-channel-failing',
      severity: 'warning',
      title: expect.stringMatching(/ops: Splunk .* 403/),
    },
  ])
  receiver.answer = { status: 200 }
  plans.emit('plan', planOf({ incident: book.list()[0]?.id ?? incidentOf().id, state: 'waiting' }))
  await reached(2)
  await happened('it is well again', () => health.items().length === 0)
})

it('takes other channels without a restart, and leaves none open', async () => {
  await alerts.configure(splunk({ url: `${receiver.url}/elsewhere` }))
  const incident = open() ?? expect.fail('not opened')
  await reached(1)
  expect(receiver.received[0]?.path).toBe('/elsewhere/services/collector/event')
  await alerts.configure([])
  expect(alerts.list()).toEqual([])
  book.advance(incident.id, 'resolved', { at: clock.now(), kind: 'verification', text: 'It works.' })
  expect(clock.timers).toBe(0)
})
