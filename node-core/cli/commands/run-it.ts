import { z } from 'zod'
import { LOG_LEVELS } from '../../contract/log.ts'
import { prometheusText } from '../../contract/prometheus-text.ts'
import { defineCommand, durationText, noInput } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT, usageFault } from '../fault.ts'
import { formatMoment } from '../output/time.ts'

export const metricsCommand = defineCommand({
  name: 'metrics',
  summary: 'print the figures of the node in the text format of Prometheus',
  examples: ['x0t metrics', 'x0t metrics --json'],
  input: noInput,
  async run(context) {
    const { metrics } = await context.connect(context.timeoutMs ?? CALL_MS).metrics.show()
    context.output.data({ metrics }, () => prometheusText(metrics).trimEnd())
    return EXIT.done
  },
})

export const logCommands = [
  defineCommand({
    name: 'log level',
    summary: 'show how much the node logs, or change it at once',
    arguments: [{ flags: '[level]', help: LOG_LEVELS.join(', ') }],
    options: [{ flags: '--for <duration>', help: 'go back by itself, for example after 10m' }],
    examples: ['x0t log level', 'x0t log level debug --for 10m'],
    input: z.object({
      level: z.enum(LOG_LEVELS, { error: `must be ${LOG_LEVELS.join(', ')}` }).optional(),
      for: durationText
        .refine((ms) => ms >= 1_000 && ms <= 86_400_000, { error: 'must be from 1s to 24h' })
        .optional(),
    }),
    async run(context, { level, for: forMs }) {
      if (level === undefined && forMs !== undefined)
        throw usageFault('--for needs a level to go with it', 'log level')
      const { log } = context.connect(context.timeoutMs ?? CALL_MS)
      const { schema: _schema, ...state } =
        level === undefined ? await log.show() : await log.set({ level, forMs: forMs ?? null })
      const after = state.until === null ? '' : ` until ${formatMoment(state.until)}`
      const back = state.level === state.configured ? '' : `${after}; x0t.yaml says ${state.configured}`
      context.output.data(state, () => `The node logs ${state.level}${back}.`)
      return EXIT.done
    },
  }),
]
