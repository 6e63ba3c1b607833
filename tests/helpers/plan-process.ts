/**
 * A node's plan as a process of its own, with a real store, that kills itself (SIGKILL) at one write of the journal.
 * `node plan-process.ts DATABASE WORLD DIE_AT`: WORLD is a file in which each action leaves a line, as the outside
 * world would keep it; DIE_AT 0 lives.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createPlanStore, createStepJournal } from '../../node-core/app/mapek/plan-stores.ts'
import { openKnowledge } from '../../node-core/knowledge/knowledge.ts'
import { createExecutor } from '../../node-core/mapek/execute/executor.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { planOf, stepOf } from './plan-store.ts'

const [database = '', world = '', dieAt = '0'] = process.argv.slice(2)
const knowledge = openKnowledge({ logger: silentLogger }, { path: database })
const plans = createPlanStore(knowledge)
const journal = createStepJournal(knowledge)
const undo = { action: 'release-route' as const, args: {} }
let writes = 0
const die = (): void => {
  writes += 1
  if (writes === Number(dieAt)) process.kill(process.pid, 'SIGKILL')
}
const inForce = (): Set<string> => {
  const lines = existsSync(world) ? readFileSync(world, 'utf8').split('\n').filter(Boolean) : []
  return lines.reduce((set, line) => {
    const [verb, step = ''] = line.split(' ')
    if (verb === 'do') set.add(step)
    else set.delete(step)
    return set
  }, new Set<string>())
}
const executor = createExecutor({
  ...{ clock: systemClock, random: systemRandom, logger: silentLogger, plans },
  journal: {
    ...journal,
    append(entry) {
      die()
      journal.append(entry)
      die()
    },
  },
  actuators: {
    async perform({ step, action }) {
      const isUndo = action === 'release-route'
      if (step === 'c') throw new Error('refused')
      const changed = inForce().has(step) === isUndo
      appendFileSync(world, `${isUndo ? 'undo' : 'do'} ${step}\n`)
      return { changed, text: changed ? 'done' : 'in force already' }
    },
  },
})
const [unfinished] = plans.unfinished()
const plan = planOf({
  createdAt: systemClock.now(),
  steps: [
    stepOf({ id: 'a', compensation: undo }),
    stepOf({ id: 'b', compensation: undo, after: ['a'] }),
    stepOf({ id: 'c', action: 'notify', after: ['b'] }),
  ],
})
if (unfinished === undefined && plans.get(plan.id) === undefined) plans.save(plan)
const open = plans.unfinished()[0]
const signal = new AbortController().signal
const done = open === undefined ? plans.get(plan.id) : await executor.recover(open, signal)
knowledge.close()
process.stdout.write(
  JSON.stringify({
    state: done?.state,
    steps: done?.steps.map(({ id, state }) => `${id} ${state}`),
    inForce: [...inForce()],
    writes,
  }),
)
