import { describe, expect, it } from 'vitest'
import { peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryIncidentStore } from '../../../tests/helpers/memory-incident-store.ts'
import { createMemoryPlans } from '../../../tests/helpers/plan-store.ts'
import { playbookOf } from '../../../tests/helpers/playbooks.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import type { Outcome, PlaybookSetting } from '../../domain/history.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import { linkSubject } from '../../domain/subject.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { ActionOrder, ActionReport } from '../execute/ports.ts'
import { GUARD_DEFAULTS } from '../guards/guards.ts'
import { createIncidentBook } from '../incidents/incident-book.ts'
import type { Playbook } from '../playbooks/playbook-schema.ts'
import { createRepairLoop, type LoopStatus } from './loop.ts'

const [SELF, OTHER, THIRD] = [peer('A'), peer('B'), peer('C')]
const APPROVAL_MS = 60_000
const BY_ANNA = { changedBy: 'anna', changedAt: 0 }

const useful = playbookOf({ playbook: 'useful', steps: [{ id: 'dial', do: 'redial' }] })
/** Its author vouches for it, and it says that it did something: only measuring shows that it is worth nothing. */
const useless = playbookOf({
  ...{ playbook: 'useless', prior: 3, verify: { within: '2s' } },
  steps: [{ id: 'away', do: 'reroute', undo: { do: 'release-route' } }],
})
const QUIET_MS = 10 * 60_000

interface Given {
  readonly playbooks?: readonly Playbook[]
  readonly seed?: number
  /** What an order does; by default redialling repairs and everything else only says that it did something. */
  readonly perform?: (order: ActionOrder, signal: AbortSignal) => Promise<ActionReport>
}

/** A real loop with a real book; the mesh is a flag that says whether it is broken. */
function setUp({ playbooks = [useful], seed = 1, perform }: Given = {}) {
  const clock = createManualClock()
  const memory = createMemoryPlans()
  const book = createIncidentBook(
    { clock, store: createMemoryIncidentStore(), logger: silentLogger },
    { self: SELF },
  )
  const world = { isBroken: true, members: [SELF, OTHER, THIRD] as readonly PeerId[], storeFault: false }
  const orders: ActionOrder[] = []
  const outcomes: Outcome[] = []
  const settings: PlaybookSetting[] = []
  const calls: string[] = []
  const faults: string[] = []
  let paused: LoopStatus['paused']
  const make = () =>
    createRepairLoop(
      {
        ...{ clock, random: seededRandom(seed), logger: silentLogger, book, journal: memory.journal },
        plans: {
          ...memory.plans,
          save(plan) {
            if (world.storeFault) throw new Error('the disk is full')
            memory.plans.save(plan)
          },
        },
        actuators: {
          async perform(order, signal) {
            orders.push(order)
            if (perform !== undefined) return perform(order, signal)
            if (order.action === 'redial') world.isBroken = false
            return { changed: true, text: 'done' }
          },
        },
        probe: {
          async measure() {
            const passed = !world.isBroken
            return { passed, checks: [{ text: passed ? 'it answers' : 'no answer', passed, from: 'ada' }] }
          },
        },
        playbooks: { all: () => playbooks },
        settings: { list: () => settings },
        outcomes: {
          append: (outcome) => outcomes.push(outcome) > 0,
          recent: (limit) => outcomes.toReversed().slice(0, limit),
        },
        mesh: {
          view: () => ({ self: SELF, members: world.members, isReachable: () => true }),
          nameOf: (one) => one,
        },
        people: { call: async (_incident, text) => void calls.push(text) },
        onFault: (text) => faults.push(text),
        pauseStore: {
          get: () => paused,
          set(next) {
            paused = next
          },
        },
      },
      { limits: GUARD_DEFAULTS, windows: [], approvalMs: APPROVAL_MS },
    )
  /** The link between this node and another one is down. */
  const open = (witness = SELF, far = OTHER): Incident => {
    const [root] = [
      {
        ...({
          code: 'link-down',
          subject: linkSubject(SELF, far),
          severity: 'warning',
          confidence: 0.95,
        } as const),
        ...{ impactsConnectivity: true, firstSeenAt: clock.now(), lastSeenAt: clock.now() },
        evidence: [{ text: 'no heartbeat', at: clock.now(), witness }],
      },
    ]
    const incident = book.observe({
      root,
      title: 'A link is down',
      consequences: [],
      diagnosis: 'It was cut.',
    })
    return incident ?? expect.fail('no incident was opened')
  }
  const of = ({ id }: Incident): Incident => book.get(id) ?? expect.fail('the incident is gone')
  /** Lets time go on until it is so, in the time of the clock alone. */
  const until = async (is: () => boolean, limitMs = 120_000): Promise<void> => {
    for (let waitedMs = 0; !is(); waitedMs += 50) {
      if (waitedMs > limitMs) return expect.fail(`after ${limitMs} ms it is not so: ${is}`)
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(50)
    }
  }
  const plans = () => memory.plans.recent(100)
  return {
    clock,
    book,
    world,
    orders,
    outcomes,
    settings,
    calls,
    faults,
    make,
    open,
    of,
    until,
    plans,
    memory,
  }
}

describe('the repair loop', () => {
  it('takes no credit for what works again by itself, and does nothing', async () => {
    const { make, world, open, of, until, orders, outcomes, plans } = setUp()
    const loop = make()
    await loop.start()
    world.isBroken = false
    const incident = open()
    await until(() => of(incident).state === 'resolved')
    expect([orders, outcomes, plans()]).toEqual([[], [], []])
    expect(of(incident).timeline.at(-1)?.text).toMatch(/Before anything was done/)
    await loop.stop()
  })

  it('takes back what did not help, tries the next candidate, and learns from both', async () => {
    const sure = playbookOf({ playbook: 'useful', steps: [{ id: 'dial', do: 'redial' }], mode: 'observe' })
    const { make, open, of, until, orders, outcomes, settings } = setUp({ playbooks: [sure, useless] })
    // What may only observe goes last, so the order is not left to a draw.
    const loop = make()
    await loop.start()
    const incident = open()
    await until(() => outcomes.length > 0)
    expect(outcomes).toMatchObject([{ playbook: 'useless', succeeded: false, code: 'link-down' }])
    expect(orders.map(({ action }) => action)).toEqual(['reroute', 'release-route'])
    await until(() => of(incident).state === 'escalated')
    settings.push({ ...{ playbook: 'useful', enabled: true, mode: 'auto' }, ...BY_ANNA })
    const next = open(SELF, THIRD)
    await until(() => of(next).state === 'resolved')
    expect(outcomes.at(-1)).toMatchObject({ playbook: 'useful', succeeded: true })
    expect(of(next).timeline.at(-1)?.text).toMatch(/^Healed by useful: it answers/)
    await loop.stop()
  })

  it('puts the playbook that helps before the useless one after ten outcomes, whatever was drawn', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { make, open, of, until, outcomes, orders, clock, world } = setUp({
        playbooks: [useless, useful],
        seed,
      })
      const loop = make()
      await loop.start()
      while (outcomes.length < 10) {
        world.isBroken = true
        const incident = open()
        await until(() => of(incident).state === 'resolved')
        clock.advance(QUIET_MS)
      }
      const firsts: string[] = []
      for (let turn = 0; turn < 5; turn += 1) {
        world.isBroken = true
        orders.length = 0
        const incident = open()
        await until(() => of(incident).state === 'resolved')
        firsts.push(orders[0]?.action ?? '')
        clock.advance(QUIET_MS)
      }
      expect(firsts.filter((action) => action === 'redial').length).toBeGreaterThanOrEqual(3)
      await loop.stop()
    }
  })

  it('calls an action that changed nothing a failure, and calls a person when no candidate is left', async () => {
    const { make, open, of, until, outcomes, calls, plans } = setUp({
      perform: async () => ({ changed: false, text: 'it was so already' }),
    })
    const loop = make()
    await loop.start()
    const incident = open()
    await until(() => of(incident).state === 'escalated')
    expect(plans()[0]).toMatchObject({ state: 'failed' })
    expect(outcomes).toMatchObject([{ playbook: 'useful', succeeded: false }])
    expect(calls).toEqual([expect.stringMatching(/no candidate is left/)])
    await loop.stop()
  })

  it('waits for a person where it is to ask, acts on a yes and calls somebody after a no', async () => {
    const asks = playbookOf({ playbook: 'useful', mode: 'ask', steps: [{ id: 'dial', do: 'redial' }] })
    const { make, open, of, until, orders, plans, clock } = setUp({ playbooks: [asks] })
    const loop = make()
    await loop.start()
    const waiting = () => plans().find(({ state }) => state === 'waiting')
    for (const verdict of ['reject', 'approve'] as const) {
      const incident = open(SELF, verdict === 'reject' ? THIRD : OTHER)
      await until(() => waiting() !== undefined)
      expect(orders).toEqual([])
      const plan = waiting() ?? expect.fail('no plan waits')
      loop.vote(plan.id, { by: 'anna', verdict, at: clock.now(), comment: undefined })
      await until(() => of(incident).state === (verdict === 'approve' ? 'resolved' : 'escalated'))
    }
    expect(orders.map(({ action }) => action)).toEqual(['redial'])
    await loop.stop()
  })

  it('denies what nobody decides, and never acts on it', async () => {
    const asks = playbookOf({ playbook: 'useful', mode: 'ask', steps: [{ id: 'dial', do: 'redial' }] })
    const { make, open, of, until, orders, plans } = setUp({ playbooks: [asks] })
    const loop = make()
    await loop.start()
    const incident = open()
    await until(() => of(incident).state === 'escalated')
    expect(plans()).toMatchObject([{ state: 'expired', approvals: [] }])
    expect(orders).toEqual([])
    await loop.stop()
  })

  it('begins nothing while it is paused, also over a restart, and goes on when it may', async () => {
    const { make, open, of, until, orders, clock } = setUp()
    const first = make()
    await first.start()
    first.pause('an audit', 'anna')
    const incident = open()
    await until(() => of(incident).timeline.some(({ text }) => text.includes('held back (pause)')))
    await first.stop()
    const second = make()
    await second.start()
    clock.advance(30_000)
    expect([second.status().state, orders]).toEqual(['paused', []])
    second.resume()
    await until(() => of(incident).state === 'resolved')
    expect(orders).toHaveLength(1)
    await second.stop()
  })

  it('goes into safe mode after three faults of its own, says each, and leaves it by a timer', async () => {
    const { make, open, until, faults, orders, world, clock, of } = setUp()
    const loop = make()
    await loop.start()
    world.storeFault = true
    for (const far of [OTHER, THIRD, peer('D')]) {
      const before = faults.length
      open(SELF, far)
      await until(() => faults.length > before)
    }
    expect(faults[0]).toMatch(/the disk is full/)
    expect(loop.status().state).toBe('safe-mode')
    world.storeFault = false
    const incident = open(SELF, peer('E'))
    await until(() => of(incident).timeline.some(({ text }) => text.includes('held back (safe-mode)')))
    expect(orders).toEqual([])
    await until(() => of(incident).state === 'resolved', 700_000)
    expect(loop.status().safeModeUntil ?? 0).toBeLessThanOrEqual(clock.now())
    await loop.stop()
  })

  it('goes on to a smaller candidate when one would touch more than its guard allows', async () => {
    const wide = playbookOf({
      ...{ playbook: 'wide', prior: 10, guards: { 'blast-radius': 1 } },
      steps: [{ id: 'all', do: 'rotate-session-keys', on: 'everyone' }],
    })
    const { make, open, of, until, orders } = setUp({ playbooks: [wide, useful] })
    const loop = make()
    await loop.start()
    const incident = open()
    await until(() => of(incident).state === 'resolved')
    expect(orders.map(({ action }) => action)).toEqual(['redial'])
    await loop.stop()
  })

  it('leaves an incident to its coordinator, and takes it over when that one is gone', async () => {
    const { make, open, of, until, orders, book, clock } = setUp()
    const loop = make()
    await loop.start()
    const incident = open()
    book.setWitnesses(incident.id, [SELF, OTHER], OTHER)
    for (let turn = 0; turn < 20; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.advance(1_000)
    }
    const before = orders.length
    book.setWitnesses(incident.id, [SELF], SELF)
    await until(() => of(incident).state === 'resolved')
    expect(before).toBe(0)
    expect(of(incident).timeline.some(({ text }) => text === 'This node takes the repair over.')).toBe(true)
    await loop.stop()
  })

  it('does not begin what it had planned when another node repairs it by now', async () => {
    const { make, open, of, until, orders, book, plans } = setUp()
    const loop = make()
    await loop.start()
    loop.pause('an audit', 'anna')
    const incident = open()
    await until(() => of(incident).timeline.some(({ text }) => text.includes('held back (pause)')))
    book.setWitnesses(incident.id, [SELF, OTHER], OTHER)
    loop.resume()
    await until(() => plans()[0]?.reason === 'another node repairs it')
    expect([orders, of(incident).state]).toEqual([[], 'diagnosed'])
    await loop.stop()
  })

  it('is stopped in the middle of a step: it undoes it, blames no playbook, and heals at the next start', async () => {
    const hanging = { isOn: true }
    const { make, open, of, until, orders, outcomes, plans, world, calls } = setUp({
      perform(order, signal) {
        if (hanging.isOn)
          return new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
          )
        world.isBroken = false
        return Promise.resolve({ changed: true, text: `${order.action} is done` })
      },
    })
    const first = make()
    await first.start()
    const incident = open()
    await until(() => orders.length > 0)
    await first.stop()
    expect([outcomes, calls, of(incident).state]).toEqual([[], [], 'healing'])
    expect(plans()[0]?.state).toMatch(/failed|rolled-back/)
    hanging.isOn = false
    const second = make()
    await second.start()
    await until(() => of(incident).state === 'resolved')
    expect(outcomes).toMatchObject([{ succeeded: true }])
    await second.stop()
  })
})
