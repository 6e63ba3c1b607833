import { z } from 'zod'
import { CHECKS } from '../../contract/schemas.ts'
import { hasCode, messageOf } from '../../platform/error.ts'
import { defineCommand } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { EXIT, type ExitCode } from '../fault.ts'
import { renderStatus } from '../output/status-view.ts'
import { verdictOf } from '../output/verdict.ts'

/** Silent: the exit code is the answer, for scripts and service managers. A node that does not run is a no. */
async function check(context: CliContext, what: (typeof CHECKS)[number]): Promise<ExitCode> {
  const { ok, reasons } = await checkNode(context, what)
  if (context.output.json) context.output.data({ check: what, ok, reasons }, () => '')
  return ok ? EXIT.done : EXIT.failed
}

export async function checkNode(
  context: CliContext,
  what: (typeof CHECKS)[number],
  timeoutMs = context.timeoutMs ?? CALL_MS,
): Promise<{ ok: boolean; reasons: string[] }> {
  try {
    return await context.connect(timeoutMs).node.check({ check: what })
  } catch (error) {
    if (!hasCode(error, 'NODE_NOT_RUNNING', 'TIMEOUT', 'NODE_WENT_AWAY')) throw error
    return { ok: false, reasons: [messageOf(error)] }
  }
}

export const statusCommand = defineCommand({
  name: 'status',
  summary: 'show how the node is; exit code 1 when it is unhealthy',
  options: [{ flags: '--check <what>', help: 'say nothing and answer by exit code: live or ready' }],
  examples: ['x0t status', 'x0t status --check ready'],
  input: z.object({ check: z.enum(CHECKS, { error: `must be ${CHECKS.join(' or ')}` }).optional() }),
  async run(context, { check: what }) {
    if (what !== undefined) return check(context, what)
    const status = await context.connect(context.timeoutMs ?? CALL_MS).node.status()
    context.output.data(status, () => renderStatus(status, context.output.paint))
    return verdictOf(status).healthy ? EXIT.done : EXIT.failed
  },
})
