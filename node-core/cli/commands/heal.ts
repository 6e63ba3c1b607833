import { z } from 'zod'
import { healIncidentIdSchema, planIdSchema } from '../../contract/heal-schemas.ts'
import { defineCommand } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderHealStatus, renderWhy } from '../output/heal-view.ts'

const client = (context: CliContext) => context.connect(context.timeoutMs ?? CALL_MS)

const healStatusCommand = defineCommand({
  name: 'heal status',
  summary: 'show what the loop of this node does, and what waits for a person',
  examples: ['x0t heal status'],
  input: z.object({}),
  async run(context) {
    const { schema: _schema, ...status } = await client(context).heal.status()
    context.output.data(status, () => renderHealStatus(status, context.now()))
    return EXIT.done
  },
})

const healPauseCommand = defineCommand({
  name: 'heal pause',
  summary: 'let the loop begin nothing new; what is being done is finished',
  options: [{ flags: '--reason <text>', help: 'why, for whoever wonders later' }],
  examples: ['x0t heal pause --reason "moving the rack"'],
  input: z.object({ reason: z.string({ error: 'is missing' }).min(1, 'is empty').max(500) }),
  async run(context, { reason }) {
    const { schema: _schema, ...status } = await client(context).heal.pause({ reason })
    context.output.done(status, `The loop is paused: ${reason}`)
    return EXIT.done
  },
})

const healResumeCommand = defineCommand({
  name: 'heal resume',
  summary: 'let the loop repair again',
  examples: ['x0t heal resume'],
  input: z.object({}),
  async run(context) {
    const { schema: _schema, ...status } = await client(context).heal.resume()
    context.output.done(status, 'The loop repairs again.')
    return EXIT.done
  },
})

export const whyCommand = defineCommand({
  name: 'why',
  summary: 'show on one screen what was seen, decided, done and measured',
  arguments: [{ flags: '<id>', help: 'of an incident (inc-...) or a plan (plan-...)' }],
  examples: ['x0t why inc-0123456789abcdef'],
  input: z.object({
    id: z.union([healIncidentIdSchema, planIdSchema], { error: 'must be inc-... or plan-...' }),
  }),
  async run(context, { id }) {
    const { schema: _schema, ...document } = await client(context).heal.why({ id })
    context.output.data(document, () => renderWhy(document))
    return EXIT.done
  },
})

const healUndoCommand = defineCommand({
  name: 'heal undo',
  summary: 'take back what a repair that succeeded has changed',
  arguments: [{ flags: '<plan>', help: 'of a repair (plan-...); x0t why shows it' }],
  examples: ['x0t heal undo plan-0123456789abcdef'],
  input: z.object({ plan: planIdSchema }),
  async run(context, { plan: id }) {
    const { plan } = await client(context).plans.undo({ id })
    const text = plan.state === 'rolled-back' ? `${id} is taken back.` : `${id}: ${plan.reason}`
    context.output.done({ plan }, text)
    return plan.state === 'rolled-back' ? EXIT.done : EXIT.failed
  },
})

export const healCommands = [healStatusCommand, healPauseCommand, healResumeCommand, healUndoCommand]
