import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { incidentIdOf } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import type { Alert } from '../../domain/alert.ts'
import { silentLogger } from '../../platform/logger.ts'
import { alertsSchema } from '../config/alert-schema.ts'
import { type ChannelQueue, createChannelQueue } from './channel-queue.ts'
import { notTold } from './delivery-fault.ts'

/** A Tuesday, 22:13:20 UTC. */
const AT = 1_700_000_000_000
const MINUTE = 60_000

const alertOf = (digit: string, event: Alert['event'] = 'opened', more: Partial<Alert> = {}): Alert => ({
  ...{ event, severity: 'warning', code: 'link-down', title: `link ${digit}`, text: '', at: AT },
  ...{ incident: incidentIdOf(digit), plan: undefined, ...more },
})

const open: ChannelQueue[] = []
afterEach(async () => {
  for (const queue of open.splice(0)) await queue.stop()
})

/** A channel whose receiver is this test: it keeps what comes and fails when it is told to. */
function scene(given: Record<string, unknown> = {}) {
  const clock = createManualClock(AT)
  const sent: string[][] = []
  const failures: Error[] = []
  let tries = 0
  const [settings = expect.fail('no channel')] = alertsSchema.parse([
    { name: 'ops', kind: 'webhook', url: 'http://127.0.0.1/', secretFile: '/none', ...given },
  ])
  const queue = createChannelQueue(
    {
      ...{ clock, random: seededRandom(1), logger: silentLogger },
      async deliver(_channel, alerts) {
        tries += 1
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        sent.push(alerts.map(({ event, incident }) => `${event} ${incident?.at(-1) ?? '-'}`))
      },
    },
    settings,
  )
  open.push(queue)
  return {
    ...{ clock, sent, failures, queue, tries: () => tries },
    add: (...alerts: readonly Alert[]) => {
      for (const alert of alerts) queue.add(alert)
    },
    /** Lets what is due happen, and what follows from it. */
    async pass(ms: number) {
      clock.advance(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('a channel', () => {
  it('is told at once of what it wants, and of nothing else', async () => {
    const { add, pass, sent } = scene({ severities: ['critical'], events: ['opened', 'resolved'] })
    add(alertOf('a', 'opened', { severity: 'critical' }), alertOf('b'))
    add(alertOf('c', 'approval', { severity: 'critical' }))
    await pass(0)
    expect(sent).toEqual([['opened a']])
  })

  it('that is off is told of nothing', async () => {
    const { add, pass, sent, clock } = scene({ enabled: false })
    add(alertOf('a'))
    await pass(MINUTE)
    expect(sent).toEqual([])
    expect(clock.timers).toBe(0)
  })

  it('gets at most one message in the time of its throttle, with all that came meanwhile', async () => {
    const { add, pass, sent } = scene({ throttle: '5m' })
    add(alertOf('a'))
    await pass(0)
    add(alertOf('b'), alertOf('c'))
    await pass(5 * MINUTE - 1)
    expect(sent).toEqual([['opened a']])
    await pass(1)
    expect(sent).toEqual([['opened a'], ['opened b', 'opened c']])
  })

  it('is not told of what began and ended while it waited', async () => {
    const { add, pass, sent, queue } = scene({ throttle: '5m' })
    add(alertOf('a'))
    await pass(0)
    add(alertOf('b'), alertOf('a', 'resolved'), alertOf('b', 'escalated'), alertOf('b', 'resolved'))
    await pass(5 * MINUTE)
    expect(sent).toEqual([['opened a'], ['resolved a']])
    expect(queue.state().waiting).toBe(0)
  })

  it('sleeps in quiet hours, but not for what is excepted, and is told the rest afterwards', async () => {
    const { add, pass, sent } = scene({ quiet: ['22:00-06:00'], throttle: '0s' })
    add(alertOf('a'), alertOf('b', 'opened', { severity: 'critical' }), alertOf('c'))
    await pass(0)
    expect(sent).toEqual([['opened b']])
    add(alertOf('c', 'resolved'))
    for (let minute = 0; minute < 7 * 60; minute += 1) await pass(MINUTE)
    expect(sent).toEqual([['opened b']])
    for (let minute = 0; minute < 60; minute += 1) await pass(MINUTE)
    expect(sent).toEqual([['opened b'], ['opened a']])
  })

  it('is tried again with growing pauses, and loses nothing by it', async () => {
    const { add, pass, sent, failures, queue, tries } = scene()
    const down = notTold('it', 'it is down', { retry: true })
    failures.push(down, down, notTold('it', 'it is busy', { retry: true, retryAfterMs: 10 * MINUTE }))
    add(alertOf('a'))
    await pass(0)
    expect(queue.state()).toMatchObject({ waiting: 1, problem: 'it was not told: it is down', lost: 0 })
    add(alertOf('b'))
    await pass(0)
    expect(tries()).toBe(1)
    await pass(2_000)
    await pass(4_000)
    expect(tries()).toBe(3)
    await pass(10 * MINUTE - 1)
    expect(sent).toEqual([])
    await pass(1)
    expect(sent).toEqual([['opened a', 'opened b']])
    expect(queue.state()).toMatchObject({ waiting: 0, problem: undefined, lost: 0 })
  })

  it('gives up what cannot be delivered, says so, and goes on with the next', async () => {
    const { add, pass, sent, failures, queue, tries } = scene()
    failures.push(notTold('it', 'the key is wrong', { retry: false }))
    add(alertOf('a'))
    await pass(0)
    expect(queue.state()).toMatchObject({
      waiting: 0,
      lost: 1,
      problem: expect.stringMatching(/key is wrong/),
    })
    failures.push(...Array.from({ length: 8 }, () => notTold('it', 'it is down', { retry: true })))
    add(alertOf('b'))
    for (let minute = 0; minute < 60; minute += 1) await pass(MINUTE)
    expect(tries()).toBe(9)
    expect(queue.state()).toMatchObject({ waiting: 0, lost: 2 })
    add(alertOf('c'))
    await pass(MINUTE)
    expect(sent).toEqual([['opened c']])
  })

  it('keeps no more than 200 waiting, the newest', async () => {
    const { add, pass, sent, queue } = scene({ throttle: '5m' })
    add(alertOf('a'))
    await pass(0)
    add(
      ...Array.from({ length: 250 }, (_one, at) =>
        alertOf('b', 'approval', { title: `${at}`, incident: undefined }),
      ),
    )
    expect(queue.state()).toMatchObject({ waiting: 200, lost: 50 })
    await pass(5 * MINUTE)
    expect(sent.at(-1)).toHaveLength(200)
  })

  it('says nothing after it was closed', async () => {
    const { add, pass, sent, queue, clock } = scene()
    add(alertOf('a'))
    await queue.stop()
    add(alertOf('b'))
    await pass(MINUTE)
    expect(sent).toEqual([])
    expect(clock.timers).toBe(0)
  })

  it('that hangs is left after a while and tried again', async () => {
    const clock = createManualClock(AT)
    let tries = 0
    const [settings = expect.fail('no channel')] = alertsSchema.parse([
      { name: 'ops', kind: 'slack', secretFile: '/none' },
    ])
    const queue = createChannelQueue(
      {
        ...{ clock, random: seededRandom(1), logger: silentLogger },
        deliver: async () => {
          tries += 1
          if (tries === 1) await new Promise<never>(() => {})
        },
      },
      settings,
    )
    open.push(queue)
    queue.add(alertOf('a'))
    clock.advance(0)
    clock.advance(15_000)
    await eventually('the hanging try is given up', () => queue.state().problem !== undefined)
    await eventually('the next try is due', () => clock.timers > 0)
    clock.advance(2_000)
    await eventually('it came through', () => queue.state().sentAt !== undefined)
    expect(tries).toBe(2)
  })
})
