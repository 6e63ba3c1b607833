import { z } from 'zod'
import { hasCode, messageOf } from '../../platform/error.ts'
import { defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { cliFault, EXIT } from '../fault.ts'
import { until } from '../until.ts'
import { checkNode } from './status.ts'

const GOALS = ['linked', 'ready'] as const
const WAIT_MS = 10_000
const CALL_MS = 2_000

interface Progress {
  readonly reached: boolean
  /** What is missing. */
  readonly reason: string
}

async function isLinked(context: CliContext): Promise<Progress> {
  try {
    const { links } = await context.connect(CALL_MS).node.status()
    const reached = links.some(({ state }) => state === 'up' || state === 'degraded')
    return { reached, reason: 'the node has no link that is up' }
  } catch (error) {
    if (!hasCode(error, 'NODE_NOT_RUNNING', 'TIMEOUT', 'NODE_WENT_AWAY')) throw error
    return { reached: false, reason: messageOf(error) }
  }
}

async function isReady(context: CliContext): Promise<Progress> {
  const { ok, reasons } = await checkNode(context, 'ready', CALL_MS)
  return { reached: ok, reason: reasons.join('; ') || 'the node is not ready' }
}

export const waitCommand = defineCommand({
  name: 'wait',
  summary: 'wait until the node is ready or has a link; --timeout says how long (default: 10s)',
  options: [{ flags: '--for <goal>', help: 'linked: at least one link is up; ready: the node serves' }],
  examples: ['x0t wait --for linked --timeout 30s'],
  input: z.object({
    for: z.enum(GOALS, { error: `must be ${GOALS.join(' or ')}` }),
  }),
  async run(context, { for: goal }) {
    const limitMs = context.timeoutMs ?? WAIT_MS
    let reason = ''
    const reached = await until(
      async () => {
        const progress = await (goal === 'linked' ? isLinked(context) : isReady(context))
        reason = progress.reason
        return progress.reached
      },
      { limitMs, signal: context.interrupts.signal },
    )
    if (!reached) {
      throw cliFault({ code: 'NOT_REACHED' }, `not ${goal} after ${limitMs} ms: ${reason}`, {
        hint: 'See x0t status, or wait longer with --timeout.',
      })
    }
    context.output.done({ for: goal, reached }, `The node is ${goal}.`)
    return EXIT.done
  },
})
