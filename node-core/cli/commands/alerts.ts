import { z } from 'zod'
import { defineCommand, noInput } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderAlertChannels } from '../output/alert-view.ts'

/** A mail server may take its time. */
const TEST_MS = 20_000

const listCommand = defineCommand({
  name: 'alert list',
  summary: 'list the ways by which people are told of faults, and how they go',
  examples: ['x0t alert list', 'x0t alert list --json'],
  input: noInput,
  async run(context) {
    const { items } = await context.connect(context.timeoutMs ?? CALL_MS).alerts.list()
    context.output.data({ items }, () => renderAlertChannels(context.output.paint, items, context.now()))
    return EXIT.done
  },
})

const testCommand = defineCommand({
  name: 'alert test',
  summary: 'send a test by one channel now; exit code 1 when it was not delivered',
  arguments: [{ flags: '<name>', help: 'of the channel in x0t.yaml' }],
  examples: ['x0t alert test ops'],
  input: z.object({ name: z.string().min(1).max(32) }),
  async run(context, { name }) {
    const client = context.connect(context.timeoutMs ?? TEST_MS)
    const { schema: _schema, ...outcome } = await client.alerts.test({ name })
    context.output.data(outcome, () =>
      outcome.delivered
        ? `The channel ${name} took a test in ${outcome.tookMs} ms.`
        : `The channel ${name} did not take a test: ${outcome.problem ?? ''}.`,
    )
    return outcome.delivered ? EXIT.done : EXIT.failed
  },
})

export const alertCommands = [listCommand, testCommand]
