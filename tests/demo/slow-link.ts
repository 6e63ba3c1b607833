import { setTimeout as delay } from 'node:timers/promises'
import type { ContractOutputs } from '../../node-core/contract/contract.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { nodeName } from '../helpers/lab.ts'
import { waitFor, x0t } from '../helpers/x0t.ts'
import { say, shown, step } from './tell.ts'

type Incident = ContractOutputs['incidents']['list']['items'][number]

const [NEAR, FAR] = [nodeName('n1'), nodeName('n2')]
const DELAY_MS = 200
/** The loop has to know what the link is like when nothing is wrong. */
const LEARN_MS = 12_000
const REPAIR_MS = 60_000

/** A link becomes slow: the loop finds it, explains it, leads traffic around it and proves that it did. */
export async function slowLink(lab: Lab): Promise<void> {
  step(1, 'The six machines again, with everything in order.')
  await lab.start()
  await lab.linked()
  await delay(LEARN_MS)

  step(
    2,
    `The line between n1 and n2 becomes slow: ${DELAY_MS} ms more each way. Nothing is cut, so nothing fails.`,
  )
  shown('you', `x0t lab delay n1 n2 ${DELAY_MS}ms`)
  const since = Date.now()
  await lab.impair(NEAR, FAR, { kind: 'delay', ms: DELAY_MS, jitterMs: 10 })

  step(3, 'The nodes at its ends see it, and one of them repairs it. Nobody is asked.')
  let found: Incident | undefined
  await waitFor(
    'the loop to repair it',
    async () => {
      for (const node of [NEAR, FAR]) {
        const { items } = await lab.client(node).incidents.list({ open: null, limit: 50 })
        found = items.find(
          ({ code, state, firstEvidenceAt }) =>
            code === 'link-slow' && state === 'resolved' && firstEvidenceAt >= since,
        )
        if (found !== undefined) return true
      }
      return false
    },
    REPAIR_MS,
  )
  if (found === undefined) throw new Error('nothing was repaired')

  step(4, 'What was seen, decided, done and measured stands on one screen.')
  // The end that led the repair has its steps and what they were measured to do; the other one keeps its own evidence.
  const leader = found.coordinator.name === FAR ? FAR : NEAR
  shown(leader, `x0t why ${found.id}`)
  const why = await x0t(['--home', lab.home(leader), 'why', found.id])
  say(why.stdout.trimEnd())
  shown(leader, 'x0t heal status')
  const status = await x0t(['--home', lab.home(leader), 'heal', 'status'])
  say(status.stdout.trimEnd())
}
