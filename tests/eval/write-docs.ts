/**
 * npm run eval:docs
 *
 * Writes docs/evals/heal.md and what the README says of healing from docs/evals/heal.json, the report of
 * `npm run eval:heal -- --json docs/evals/heal.json`. Figures are copied, never typed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/paths.ts'
import { FIXTURE_ROWS } from './heal/fixture-rows.ts'
import { healReportSchema, quoteReport, tellReport } from './heal/report.ts'
import { LINK_ROWS } from './heal/rows.ts'

const [BEGIN, END] = ['<!-- eval:heal: written by npm run eval:docs -->', '<!-- /eval:heal -->']
const rows = [...LINK_ROWS, ...FIXTURE_ROWS].sort((a, b) => a.row - b.row)
const folder = join(ROOT, 'docs/evals')
const report = healReportSchema.parse(JSON.parse(readFileSync(join(folder, 'heal.json'), 'utf8')))
writeFileSync(join(folder, 'heal.md'), tellReport(rows, report))

const readme = join(ROOT, 'README.md')
const text = readFileSync(readme, 'utf8')
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
if (from < 0 || to < from) throw new Error(`README.md has no place for it: ${BEGIN} ... ${END}`)
writeFileSync(
  readme,
  `${text.slice(0, from + BEGIN.length)}\n${quoteReport(rows, report)}\n${text.slice(to)}`,
)
process.stdout.write('wrote docs/evals/heal.md and its lines in README.md\n')
