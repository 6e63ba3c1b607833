import { z } from 'zod'
import { PING_MAX_MS } from '../../contract/contract.ts'
import { nodeRefSchema, type PingResult } from '../../contract/schemas.ts'
import { defineCommand, wholeNumberText } from '../command.ts'
import type { CliContext } from '../context.ts'
import { EXIT } from '../fault.ts'
import { formatDuration } from '../output/time.ts'
import { pause } from '../until.ts'

const DEFAULT_COUNT = 4
const PING_MS = 5_000
const INTERVAL_MS = 1_000
/** For the answer of the local node, beyond the time that it gives to the other one. */
const CALL_MARGIN_MS = 3_000

interface Ping extends Omit<PingResult, 'schema'> {
  /** From 1. */
  readonly seq: number
}

function rowOf({ name, answered, rttMs, via, detail }: Ping): string {
  if (!answered || rttMs === null) return `no answer from ${name}${detail === null ? '' : `: ${detail}`}`
  const path = via.length === 0 ? 'direct' : `via ${via.join(', ')}`
  return `pong from ${name} (path: ${path}) in ${formatDuration(rttMs)}`
}

/** One ping a second until the count is full or somebody presses Ctrl-C. */
async function pingAll(
  context: CliContext,
  node: z.infer<typeof nodeRefSchema>,
  count: number,
): Promise<Ping[]> {
  const timeoutMs = Math.min(context.timeoutMs ?? PING_MS, PING_MAX_MS)
  const client = context.connect(timeoutMs + CALL_MARGIN_MS)
  const { signal } = context.interrupts
  const pings: Ping[] = []
  for (let seq = 1; seq <= count && !signal.aborted; seq++) {
    try {
      const { schema: _schema, ...result } = await client.node.ping({ node, timeoutMs })
      const ping = { seq, ...result }
      pings.push(ping)
      context.output.row(rowOf(ping))
      if (seq < count) await pause(INTERVAL_MS, signal)
    } catch (error) {
      // Ctrl-C is how a long ping ends: what was measured so far still counts.
      if (!signal.aborted || pings.length === 0) throw error
    }
  }
  return pings
}

export const pingCommand = defineCommand({
  name: 'ping',
  summary: 'measure the way to a node',
  arguments: [{ flags: '<node>', help: 'its name or peer id' }],
  options: [{ flags: '-c, --count <n>', help: `how many times (default: ${DEFAULT_COUNT})` }],
  examples: ['x0t ping server', 'x0t ping server -c 1'],
  input: z.object({ node: nodeRefSchema, count: wholeNumberText(1, 100_000).default(DEFAULT_COUNT) }),
  async run(context, { node, count }) {
    const pings = await pingAll(context, node, count)
    const answered = pings.filter((ping) => ping.answered).length
    if (context.output.json) {
      context.output.data({ items: pings, sent: pings.length, answered }, () => '')
    } else {
      context.output.note(`${answered} of ${pings.length} answered`)
    }
    return answered > 0 ? EXIT.done : EXIT.failed
  },
})
