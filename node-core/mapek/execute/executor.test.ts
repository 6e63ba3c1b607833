import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { peer } from '../../../tests/helpers/incidents.ts'
import { createMemoryPlans, planOf, stepOf } from '../../../tests/helpers/plan-store.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import type { Plan } from '../../domain/plan.ts'
import type { Clock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createExecutor, RESUME_WITHIN_MS } from './executor.ts'
import type { ActionOrder, ActionReport, JournalEntry } from './ports.ts'

const NOW = 1_700_000_000_000
const never = new AbortController().signal

/** Waits take no time, but have their order. */
const hastyClock: Clock = {
  now: () => NOW,
  monotonicMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs / 100)
    return () => clearTimeout(timer)
  },
}

/** What the outside world is like: each action that is in force, by the key of its step. */
function createWorld(perform: (order: ActionOrder, count: number) => ActionReport | Error) {
  const memory = createMemoryPlans()
  const orders: ActionOrder[] = []
  const make = (onWrite: (entry: JournalEntry) => void = () => {}) =>
    createExecutor({
      ...{ clock: hastyClock, random: seededRandom(1), logger: silentLogger, plans: memory.plans },
      journal: {
        ...memory.journal,
        append(entry) {
          onWrite(entry)
          memory.journal.append(entry)
        },
      },
      actuators: {
        async perform(order) {
          orders.push(order)
          const result = perform(order, orders.filter(({ key }) => key === order.key).length)
          if (result instanceof Error) throw result
          return result
        },
      },
    })
  return { ...memory, orders, make, actions: () => orders.map(({ action }) => action) }
}

const done: ActionReport = { changed: true, text: 'done' }
const states = (plan: Plan): string[] => plan.steps.map(({ state }) => state)
const undo = { action: 'release-route' as const, args: {} }

describe('the executor', () => {
  it('does the steps in the order of the graph and hands the plan over to be verified', async () => {
    const world = createWorld(() => done)
    const steps = [
      stepOf({ id: 'c', action: 'notify', after: ['a', 'b'] }),
      stepOf({ id: 'a', action: 'reroute' }),
      stepOf({ id: 'b', action: 'redial' }),
    ]
    const plan = await world.make().run(planOf({ steps }), never)
    expect(plan.state).toBe('verifying')
    expect(world.actions()).toEqual(['reroute', 'redial', 'notify'])
    expect(world.plans.get(plan.id)).toEqual(plan)
    expect(
      world.journal
        .of(plan.id)
        .filter(({ step }) => step === 'c')
        .map(({ kind }) => kind),
    ).toEqual(['intent', 'started', 'done'])
  })

  it('tries again as often as it may, under the same key', async () => {
    const world = createWorld((_order, count) => (count < 3 ? new Error('busy') : done))
    const plan = await world.make().run(planOf({ steps: [stepOf({ attempts: 3 })] }), never)
    expect(plan.state).toBe('verifying')
    expect(new Set(world.orders.map(({ key }) => key)).size).toBe(1)
    expect(world.orders).toHaveLength(3)
  })

  it('takes an action that changed nothing for one that failed', async () => {
    const world = createWorld(() => ({ changed: false, text: 'all went around it already' }))
    const plan = await world.make().run(planOf(), never)
    expect([plan.state, plan.reason]).toEqual([
      'failed',
      'away: it changed nothing: all went around it already',
    ])
  })

  it('undoes what it did, the last first, when a later step fails', async () => {
    const world = createWorld(({ action }) => (action === 'notify' ? new Error('no webhook') : done))
    const steps = [
      stepOf({ id: 'a', compensation: undo, target: peer('A') }),
      stepOf({ id: 'b', compensation: undo, target: peer('B'), after: ['a'] }),
      stepOf({ id: 'c', action: 'notify', after: ['b'] }),
      stepOf({ id: 'd', after: ['c'] }),
    ]
    const plan = await world.make().run(planOf({ steps }), never)
    expect([plan.state, plan.reason]).toEqual(['rolled-back', 'c: no webhook'])
    expect(states(plan)).toEqual(['compensated', 'compensated', 'failed', 'skipped'])
    const undone = world.orders.filter(({ action }) => action === 'release-route')
    expect(undone.map(({ target }) => target)).toEqual([peer('B'), peer('A')])
  })

  it('goes on without a step that is optional', async () => {
    const world = createWorld(({ action }) => (action === 'redial' ? new Error('refused') : done))
    const steps = [
      stepOf({ id: 'a', action: 'redial', optional: true }),
      stepOf({ id: 'b', action: 'notify', after: ['a'] }),
    ]
    const plan = await world.make().run(planOf({ steps }), never)
    expect([plan.state, ...states(plan)]).toEqual(['verifying', 'failed', 'done'])
  })

  it('stops waiting for an action that hangs', async () => {
    const world = createWorld(() => done)
    const executor = createExecutor({
      ...{ clock: hastyClock, random: seededRandom(1), logger: silentLogger, ...world },
      actuators: { perform: () => new Promise(() => {}) },
    })
    const plan = await executor.run(planOf(), never)
    expect(plan.reason).toBe('away: reroute took longer than 1000 ms')
  })

  it('does nothing when the journal cannot be written', async () => {
    const world = createWorld(() => done)
    const failing = world.make(() => {
      throw new Error('disk full')
    })
    const plan = await failing.run(planOf(), never)
    expect(plan).toMatchObject({ state: 'failed', reason: 'the step journal cannot be written: disk full' })
    expect(world.orders).toEqual([])
  })

  it('rolls back a plan that a crash left too long ago', async () => {
    const world = createWorld(() => done)
    const plan = planOf({ steps: [stepOf({ compensation: undo })], createdAt: NOW - RESUME_WITHIN_MS - 1 })
    await world.make().run(plan, never)
    const recovered = await world.make().recover({ ...plan, state: 'running' }, never)
    expect(recovered.state).toBe('rolled-back')
    expect(world.actions()).toEqual(['reroute', 'release-route'])
  })
})

/** The process dies at the n-th write: everything after it does not happen. */
class Death extends Error {}

describe('a plan whose process dies between any two writes', () => {
  const steps = fc
    .array(
      fc.record({
        attempts: fc.integer({ min: 1, max: 2 }),
        hasUndo: fc.boolean(),
        optional: fc.boolean(),
        fails: fc.boolean(),
        waits: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((drawn) =>
      drawn.map(({ hasUndo, waits, fails, ...given }, at) => ({
        fails,
        step: stepOf({
          ...given,
          id: `s${at}`,
          compensation: hasUndo ? undo : undefined,
          after: waits && at > 0 ? [`s${at - 1}`] : [],
        }),
      })),
    )

  it('ends resumed or rolled back, with no action in force that the plan does not know of', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(30), fc.nat(30), async (drawn, first, second) => {
        const inForce = new Set<string>()
        const failing = new Set(drawn.flatMap(({ fails, step }) => (fails ? [step.id] : [])))
        const world = createWorld((order) => {
          if (order.action === 'release-route') {
            inForce.delete(order.step)
            return done
          }
          if (failing.has(order.step)) return new Error('refused')
          const changed = !inForce.has(order.step)
          inForce.add(order.step)
          return { changed, text: changed ? 'done' : 'in force already' }
        })
        const plan = planOf({ steps: drawn.map(({ step }) => step) })
        world.plans.save(plan)
        for (const limit of [first, second]) {
          let writes = 0
          const dying = world.make(() => {
            writes += 1
            // What is under way in the process that died has no effect on the journal any more.
            if (writes > limit) throw new Death()
          })
          await dying.recover(world.plans.get(plan.id) ?? plan, never)
          const kept = world.plans.get(plan.id)
          if (kept !== undefined && kept.endedAt !== undefined) break
        }
        let last = world.plans.get(plan.id) ?? plan
        if (!['failed', 'rolled-back', 'verifying'].includes(last.state))
          last = await world.make().recover(last, never)
        expect(['failed', 'rolled-back', 'verifying']).toContain(last.state)
        for (const { id, state, compensation, outcome } of last.steps) {
          if (/not known/.test(outcome ?? '')) continue
          if (inForce.has(id)) expect(state).toBe('done')
          else expect(state).not.toBe('done')
          const isOver = last.state !== 'verifying'
          if (isOver && compensation !== undefined) expect(inForce.has(id)).toBe(false)
        }
      }),
      { numRuns: 300 },
    )
  })
})
