import { z } from 'zod'
import { quantile } from '../../bench/harness.ts'
import type { HealRow } from './rows.ts'
import { type Run, runSchema } from './run.ts'

/** Percentiles of fewer than this say nothing. */
const LEAST_FOR_P95 = 30
const HEALED_SHARE = 0.9
const CONNECTIVITY_P95_MS = 1_500
const REST_P95_MS = 180_000

export const healReportSchema = z.object({
  ...{
    name: z.literal('heal'),
    commit: z.string(),
    machine: z.string(),
    date: z.iso.datetime(),
    seed: z.int(),
  },
  ...{ notes: z.array(z.string()), runs: z.array(runSchema) },
})
export type HealReport = z.infer<typeof healReportSchema>

const share = (some: readonly Run[], is: (run: Run) => boolean): string =>
  `${some.filter(is).length}/${some.length}`

const times = (some: readonly Run[], of: (run: Run) => number | null): readonly number[] =>
  some.flatMap((run) => of(run) ?? [])

/** `340 / 1,200`: the median and the 95th percentile, or the worst where there are too few for one. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return '-'
  const median = Math.round(quantile(values, 0.5))
  return values.length >= LEAST_FOR_P95
    ? `${median} / ${Math.round(quantile(values, 0.95))}`
    : `${median} / max ${Math.round(Math.max(...values))}`
}

const HEADINGS =
  '| row | fault | detected | root | healed | escalated | worse | repair ms | from fault ms | outage ms |'
const RULE = '|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|'

function line(row: string, name: string, some: readonly Run[]): string {
  const cells = [
    ...[row, name, share(some, ({ detected }) => detected), share(some, ({ rootNamed }) => rootNamed)],
    ...[share(some, ({ healed }) => healed), share(some, ({ escalated }) => escalated)],
    ...[share(some, ({ madeWorse }) => madeWorse), spread(times(some, ({ repairMs }) => repairMs))],
    ...[
      spread(times(some, ({ fromFaultMs }) => fromFaultMs)),
      spread(times(some, ({ outageMs }) => outageMs)),
    ],
  ]
  return `| ${cells.join(' | ')} |`
}

/** Undefined where nothing was measured: that is no miss. */
const judged = (what: string, isReached: boolean | undefined): string =>
  `- ${what}: ${isReached === undefined ? 'not measured' : isReached ? 'reached' : '**missed**'}`

/** What was set out to reach, and whether it was. */
function aims(rows: readonly HealRow[], runs: readonly Run[]): readonly string[] {
  const isOf = (wanted: (row: HealRow) => boolean) => (run: Run) =>
    rows.some((row) => row.row === run.row && row.name === run.name && wanted(row))
  const healable = runs.filter(isOf((row) => row.healable))
  const pooled = times(runs.filter(isOf((row) => row.pooled === true)), ({ repairMs }) => repairMs)
  const rest = times(
    runs.filter(isOf((row) => row.healable && row.pooled !== true)),
    ({ repairMs }) => repairMs,
  )
  const healed = healable.filter((run) => run.healed).length
  const repeated = runs.reduce((sum, run) => sum + run.repeated, 0)
  const worse = runs.filter((run) => run.madeWorse).length
  return [
    judged(
      `healable faults healed without a person, ${healed} of ${healable.length} (aim 90 %)`,
      healable.length === 0 ? undefined : healed >= HEALED_SHARE * healable.length,
    ),
    judged(
      `connectivity, first evidence to first verified delivery, median / p95 ${spread(pooled)} ms of ${pooled.length} (aim p95 <= 1500 ms)`,
      pooled.length < LEAST_FOR_P95 ? undefined : quantile(pooled, 0.95) <= CONNECTIVITY_P95_MS,
    ),
    judged(
      `everything else that is healable, median / p95 ${spread(rest)} ms of ${rest.length} (aim p95 <= 180000 ms)`,
      rest.length === 0 ? undefined : quantile(rest, 0.95) <= REST_P95_MS,
    ),
    judged(`runs that were made worse, ${worse} (aim 0)`, worse === 0),
    judged(`plans that were repeated within their cooldown, ${repeated} (aim 0)`, repeated === 0),
  ]
}

/** What the README says of it: the aims, and where and when they were measured. */
export function quoteReport(rows: readonly HealRow[], report: HealReport): string {
  const loop = report.runs.filter(({ control }) => !control)
  const source = `\`npm run eval:heal\`, ${report.date.slice(0, 10)}, commit \`${report.commit}\`, ${loop.length} runs, [all of it](docs/evals/heal.md)`
  return [`Measured (${source}):`, '', ...report.notes, ...aims(rows, loop)].join('\n')
}

/** The report for people, in Markdown. */
export function tellReport(rows: readonly HealRow[], report: HealReport): string {
  const runs = report.runs.filter(({ control }) => !control)
  const control = report.runs.filter((run) => run.control)
  const failed = report.runs.filter(({ started }) => !started).length
  const ofRow = (some: readonly Run[], { row, name }: HealRow): readonly Run[] =>
    some.filter((run) => run.row === row && run.name === name)
  const table = (some: readonly Run[]): readonly string[] =>
    rows.flatMap((row) => {
      const own = ofRow(some, row)
      return own.length === 0 ? [] : [line(String(row.row), row.name, own)]
    })
  return [
    '# Healing',
    '',
    `\`npm run eval:heal\`, ${report.date.slice(0, 10)}, commit \`${report.commit}\`, ${report.machine}, seed ${report.seed}.`,
    ...report.notes,
    '',
    `${runs.length} runs, each on a fresh mesh of real processes, on a ring and on a grid by turns; ${failed} did not start and count as failed.`,
    '"repair" is first evidence to first verified delivery, "from fault" the fault to that, both by the word of the product;',
    '"outage" is the longest time without delivery that a client outside of it saw. Each is the median and the 95th percentile,',
    `or the worst where there are fewer than ${LEAST_FOR_P95}. Every run is in the JSON file beside this one.`,
    '',
    ...aims(rows, runs),
    '',
    ...[HEADINGS, RULE, ...table(runs)],
    '',
    ...(control.length === 0
      ? []
      : [
          `Control group: the same faults with the loop paused at every node, ${control.length} runs; delivered at the end: ${share(control, ({ delivered }) => delivered)}.`,
          '',
          ...[HEADINGS, RULE, ...table(control)],
          '',
        ]),
  ].join('\n')
}
