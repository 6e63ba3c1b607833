import { z } from 'zod'
import { hasCode } from '../../platform/error.ts'
import { defineCommand } from '../command.ts'
import { CALL_MS, type CliContext } from '../context.ts'
import { cliFault, EXIT } from '../fault.ts'
import { processIsGone } from '../process-gone.ts'
import { until } from '../until.ts'

const DOWN_MS = 30_000
const PROBE_MS = 1_000

/** Gone means both: nobody answers on the socket, and the process has ended. */
async function isGone(context: CliContext, pid: number): Promise<boolean> {
  try {
    await context.connect(PROBE_MS).node.version()
    return false
  } catch (error) {
    return hasCode(error, 'NODE_NOT_RUNNING') && processIsGone(pid)
  }
}

/** Waits for a node that has said that it stops. */
export async function waitForEnd(context: CliContext, pid: number): Promise<void> {
  const limitMs = context.timeoutMs ?? DOWN_MS
  const gone = await until(() => isGone(context, pid), { limitMs, signal: context.interrupts.signal })
  if (gone) return
  throw cliFault({ code: 'TIMEOUT' }, `the node (pid ${pid}) has not ended within ${limitMs} ms`, {
    hint: 'Wait longer with --timeout, or end that process yourself.',
  })
}

export const downCommand = defineCommand({
  name: 'down',
  summary: 'stop the node of this home',
  examples: ['x0t down'],
  input: z.object({}),
  async run(context) {
    let pid: number
    try {
      pid = (await context.connect(CALL_MS).node.down()).pid
    } catch (error) {
      if (!hasCode(error, 'NODE_NOT_RUNNING')) throw error
      // Down is what was asked for, and down it is.
      context.output.done({ wasRunning: false, pid: null }, 'No node was running on this home.')
      return EXIT.done
    }
    await waitForEnd(context, pid)
    context.output.done({ wasRunning: true, pid }, `The node has stopped (pid ${pid}).`)
    return EXIT.done
  },
})
