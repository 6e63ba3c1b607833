import { describe, expect, it } from 'vitest'
import { incidentOf } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createMemoryPlans, planOf, stepOf } from '../../../tests/helpers/plan-store.ts'
import { seededRandom } from '../../../tests/helpers/seeded-random.ts'
import type { TimelineEntry } from '../../domain/incident.ts'
import type { Plan } from '../../domain/plan.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createExecutor } from '../execute/executor.ts'
import type { ActionOrder } from '../execute/ports.ts'
import { undoPlan } from './undo-plan.ts'

const never = new AbortController().signal
const undo = { action: 'release-route' as const, args: {} }
const succeeded = planOf({
  state: 'succeeded',
  steps: [
    stepOf({ id: 'first', action: 'reroute', compensation: undo, state: 'done' }),
    stepOf({ id: 'told', action: 'notify', state: 'done' }),
    stepOf({
      id: 'second',
      action: 'drain-node',
      compensation: { action: 'undrain-node', args: {} },
      state: 'done',
    }),
  ],
})

function world(plan: Plan, busy = false) {
  const clock = createManualClock()
  const { plans, journal } = createMemoryPlans()
  plans.save(plan)
  const orders: ActionOrder[] = []
  const told: TimelineEntry[] = []
  const incident = incidentOf()
  /** What was kept of the plan when the first action began. */
  const keptStates: (string | undefined)[] = []
  const executor = createExecutor({
    ...{ clock, random: seededRandom(1), logger: silentLogger, plans, journal },
    actuators: {
      async perform(order) {
        keptStates.push(plans.get(plan.id)?.state)
        orders.push(order)
        return { changed: true, text: 'done' }
      },
    },
  })
  const book = {
    get: () => incident,
    append(_id: Plan['incident'], entry: TimelineEntry) {
      told.push(entry)
      return incident
    },
  }
  const run = () => undoPlan({ clock, plans, executor, book, isBusy: () => busy }, plan.id, 'ada', never)
  return { run, orders, told, plans, keptStates }
}

describe('taking a repair back', () => {
  it('undoes its steps, the last first, and says on the timeline who wanted it', async () => {
    const { run, orders, told, plans } = world(succeeded)
    const plan = await run()
    expect(orders.map(({ action }) => action)).toEqual(['undrain-node', 'release-route'])
    expect([plan.state, plan.reason]).toEqual(['rolled-back', 'taken back by ada'])
    expect(plans.get(plan.id)).toEqual(plan)
    expect(told).toMatchObject([{ kind: 'person', actor: 'ada', planId: plan.id }])
  })

  it('is kept as a plan that is not over before anything is done: a crash finds it', async () => {
    const { run, keptStates } = world(succeeded)
    await run()
    expect(keptStates[0]).toBe('running')
  })

  it.each(['waiting', 'running', 'failed', 'rolled-back'] as const)(
    'refuses one that is %s',
    async (state) => {
      const { run, orders } = world({ ...succeeded, state })
      await expect(run()).rejects.toMatchObject({ fault: { code: 'PLAN_NOT_UNDOABLE' } })
      expect(orders).toEqual([])
    },
  )

  it('refuses one of which nothing can be taken back, and one whose incident is being repaired', async () => {
    const told = world({ ...succeeded, steps: [stepOf({ id: 'told', action: 'notify', state: 'done' })] })
    await expect(told.run()).rejects.toMatchObject({ fault: { code: 'PLAN_NOT_UNDOABLE' } })
    const busy = world(succeeded, true)
    await expect(busy.run()).rejects.toMatchObject({ fault: { code: 'INCIDENT_BEING_REPAIRED' } })
    expect(busy.orders).toEqual([])
  })
})
