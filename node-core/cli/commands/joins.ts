import { z } from 'zod'
import { planIdSchema } from '../../contract/heal-schemas.ts'
import type { Join } from '../../contract/schemas.ts'
import { joinIdSchema } from '../../contract/schemas.ts'
import { type PlanId, parsePlanId } from '../../domain/ids.ts'
import { defineCommand } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT, type ExitCode } from '../fault.ts'
import { renderTable } from '../output/table.ts'
import { formatFromNow } from '../output/time.ts'

async function listWaiting(context: CliContext): Promise<ExitCode> {
  const { output } = context
  const { items } = await context.connect(context.timeoutMs ?? CALL_MS).joins.list()
  const waiting = items.filter(({ state }) => state === 'pending')
  output.data({ items: waiting }, () =>
    waiting.length === 0 ? 'Nobody waits for approval.' : renderJoins(context, waiting),
  )
  return EXIT.done
}

function renderJoins({ output, now }: CliContext, joins: readonly Join[]): string {
  return renderTable(
    output.paint,
    ['ID', 'NAME', 'ROLE', 'PEER', 'ASKED', 'DENIED'],
    joins.map((join) => [
      join.id,
      join.name,
      join.role,
      join.peer,
      formatFromNow(join.requestedAt, now()),
      formatFromNow(join.expiresAt, now()),
    ]),
  )
}

const idArgument = [
  {
    flags: '[id]',
    help: 'of the request (join-...) or the plan (plan-...); without it, joins that wait are listed',
  },
]
const idInput = z.object({
  id: z.union([joinIdSchema, planIdSchema], { error: 'must be join-... or plan-...' }).optional(),
})

/** A repair that waits for a person is decided by the same words as a machine that wants to join. */
async function decidePlan(context: CliContext, id: PlanId, verdict: 'approve' | 'reject'): Promise<ExitCode> {
  const { plans } = context.connect(context.timeoutMs ?? CALL_MS)
  const decide = async () => {
    if (verdict === 'reject') return plans.reject({ id, comment: null })
    // What is shown is what is signed: other nodes do nothing on the word of the one that made the plan.
    const { plan: shown } = await plans.show({ id })
    const steps = shown.steps.map(({ statement }) => statement)
    for (const { action, subject, at } of shown.steps)
      context.output.note(`${action} of ${subject}, at ${at}`)
    return plans.approve({ id, comment: null, steps })
  }
  const { plan } = await decide()
  context.output.done({ plan }, `${plan.id} (${plan.playbook}) is ${plan.state}.`)
  return EXIT.done
}

export const approveCommand = defineCommand({
  name: 'approve',
  summary: 'let a machine in that asked to join, or a repair begin that waits for a person',
  arguments: idArgument,
  examples: ['x0t approve', 'x0t approve join-0123456789abcdef', 'x0t approve plan-0123456789abcdef'],
  input: idInput,
  async run(context, { id }) {
    if (id === undefined) return listWaiting(context)
    const planId = parsePlanId(id)
    if (planId !== undefined) return decidePlan(context, planId, 'approve')
    const { join } = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .joins.approve({ id: joinIdSchema.parse(id) })
    context.output.done({ join }, `${join.name} is approved as ${join.role}.`)
    return EXIT.done
  },
})

export const rejectCommand = defineCommand({
  name: 'reject',
  summary: 'refuse a machine that asked to join, or a repair',
  arguments: idArgument,
  examples: ['x0t reject join-0123456789abcdef'],
  input: idInput,
  async run(context, { id }) {
    if (id === undefined) return listWaiting(context)
    const planId = parsePlanId(id)
    if (planId !== undefined) return decidePlan(context, planId, 'reject')
    const { join } = await context
      .connect(context.timeoutMs ?? CALL_MS)
      .joins.reject({ id: joinIdSchema.parse(id) })
    context.output.done({ join }, `${join.name} is refused.`)
    return EXIT.done
  },
})
