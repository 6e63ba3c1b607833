import { z } from 'zod'
import { RESOLUTIONS } from '../../domain/series.ts'
import { defineCommand, durationText, noInput, wholeNumberText } from '../command.ts'
import { CALL_MS } from '../context.ts'
import { EXIT } from '../fault.ts'
import { renderSeries, renderSeriesList, renderSlo } from '../output/history-view.ts'

const HOUR_MS = 3_600_000
const SHOWN_POINTS = 30
const MAX_POINTS = 5_000

const seriesListCommand = defineCommand({
  name: 'series list',
  summary: 'list what is measured over time',
  examples: ['x0t series list', 'x0t series list --json'],
  input: noInput,
  async run(context) {
    const { items } = await context.connect(context.timeoutMs ?? CALL_MS).series.list()
    context.output.data({ items }, () => renderSeriesList(context.output.paint, items, Date.now()))
    return EXIT.done
  },
})

const seriesShowCommand = defineCommand({
  name: 'series show',
  summary: 'show a series: the last hour, or as long as --last says',
  arguments: [{ flags: '<key>', help: 'as x0t series list names it' }],
  options: [
    { flags: '--last <duration>', help: 'how far back, for example 24h' },
    { flags: '--points <n>', help: `at most so many lines; ${SHOWN_POINTS} without it` },
    { flags: '--by <resolution>', help: 'raw, 1m or 1h; without it, what fits' },
  ],
  examples: ['x0t series show mesh.reachable/mesh --last 24h'],
  input: z.object({
    key: z.string().min(1).max(300),
    last: durationText.default(HOUR_MS),
    points: wholeNumberText(1, MAX_POINTS).default(SHOWN_POINTS),
    by: z.enum(RESOLUTIONS, { error: 'must be raw, 1m or 1h' }).optional(),
  }),
  async run(context, { key, last, points, by }) {
    const client = context.connect(context.timeoutMs ?? CALL_MS)
    // The next moment: what was sampled in this very one is part of it.
    const until = Date.now() + 1
    const from = Math.max(0, until - last)
    const answer = await client.series.query({ key, from, until, maxPoints: points, resolution: by ?? null })
    context.output.data(answer, () => renderSeries(context.output.paint, answer))
    return EXIT.done
  },
})

export const seriesCommands = [seriesListCommand, seriesShowCommand]

export const sloCommand = defineCommand({
  name: 'slo',
  summary: 'show availability and time to repair against their targets; exit code 1 when one is missed',
  options: [{ flags: '--last <duration>', help: 'in place of the window in x0t.yaml, for example 7d' }],
  examples: ['x0t slo', 'x0t slo --last 24h --json'],
  input: z.object({ last: durationText.optional() }),
  async run(context, { last }) {
    const slo = await context.connect(context.timeoutMs ?? CALL_MS).slo.get({ windowMs: last ?? null })
    context.output.data(slo, () => renderSlo(context.output.paint, slo))
    const isMissed = slo.availability.verdict === 'missed' || slo.mttr.verdict === 'missed'
    return isMissed ? EXIT.failed : EXIT.done
  },
})
