/**
 * npm run bench:docs
 *
 * Writes docs/benchmarks.md from the reports in docs/benchmarks, each made by `npm run bench:NAME -- --json
 * docs/benchmarks/NAME.json`. Figures are copied, never typed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { ROOT } from '../../scripts/paths.ts'
import { ABOUT, type Aim, aimOf } from './aims.ts'

const reportSchema = z.object({
  name: z.string(),
  commit: z.string(),
  machine: z.string(),
  date: z.iso.datetime(),
  notes: z.array(z.string()),
  summary: z.array(
    z.object({
      ...{ metric: z.string(), unit: z.string(), n: z.int() },
      ...{ median: z.number().nullable(), p95: z.number().nullable(), worst: z.number().nullable() },
    }),
  ),
})
type BenchReport = z.infer<typeof reportSchema>
type Row = BenchReport['summary'][number]

const digits = (value: number | null): string =>
  value === null ? '-' : value.toFixed(Math.abs(value) >= 100 ? 0 : 2)

const verdict = (row: Row, { of, limit, isLeast }: Aim): string => {
  const value = row[of]
  const text = `${of} ${isLeast ? '>=' : '<='} ${limit}`
  if (value === null) return text
  return `${text}: ${(isLeast ? value >= limit : value <= limit) ? 'reached' : '**missed**'}`
}

function section(report: BenchReport): string {
  const rows = report.summary.map((row) => {
    const aim = aimOf(report.name, row.metric, row.unit)
    const figures = [row.median, row.p95, row.worst].map(digits)
    return `| ${[row.metric, row.unit, ...figures, row.n, aim === undefined ? '' : verdict(row, aim)].join(' | ')} |`
  })
  return [
    `## ${report.name}`,
    '',
    ...(ABOUT[report.name] === undefined ? [] : [ABOUT[report.name], '']),
    `\`npm run bench:${report.name}\`, ${report.date.slice(0, 10)}, commit \`${report.commit}\`, ${report.machine}.`,
    ...report.notes,
    '',
    '| metric | unit | median | p95 | worst | n | aim |',
    '|---|---|---:|---:|---:|---:|---|',
    ...rows,
    '',
  ].join('\n')
}

const folder = join(ROOT, 'docs/benchmarks')
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => {
    const report = reportSchema.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))
    if (report.name !== basename(name, '.json')) throw new Error(`${name} holds a report of ${report.name}`)
    return report
  })

writeFileSync(
  join(ROOT, 'docs/benchmarks.md'),
  `# Benchmarks

The last full run of each, written by \`npm run bench:docs\` from the reports in [benchmarks/](benchmarks), which hold every
single sample. Every figure is measured; "aim" is what we set out to reach, and says where we did not. The 95th percentile of
a rate is its slow end.

${reports.map(section).join('\n')}`,
)
process.stdout.write(`wrote docs/benchmarks.md from ${reports.map(({ name }) => name).join(', ')}\n`)
