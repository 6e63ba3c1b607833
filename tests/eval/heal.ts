/**
 * `npm run eval:heal`: breaks meshes of real processes in every way of the list of faults and judges the repair from
 * outside, by a client that knows nothing of the product.
 *
 *     -- --n N         runs of each row (default 5; those of connectivity 6, so that 30 of them can be pooled)
 *        --only a,b    rows, by number or by a part of their name
 *        --seed S      of losses and jitters
 *        --json FILE   the report with every run; the table goes beside it as Markdown. Default eval-heal.json
 *        --no-control  without the control group
 *
 * Stopped, it goes on where it was, for the same commit, seed and rows.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { commitOf, loadNote, machineOf } from '../bench/harness.ts'
import { FIXTURE_ROWS } from './heal/fixture-rows.ts'
import { tellReport } from './heal/report.ts'
import { type HealRow, LINK_ROWS } from './heal/rows.ts'
import { type Run, type RunPlan, runOnce, runSchema } from './heal/run.ts'

const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string', default: 'eval-heal.json' },
    'no-control': { type: 'boolean', default: false },
  },
})
const whole = (text: string): number => {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`expected a whole number from 1, got ${text}`)
  return value
}
const [n, seed] = [whole(values.n), whole(values.seed)]
const wanted = values.only.split(',').filter(Boolean)
const isWanted = ({ row, name }: HealRow): boolean =>
  wanted.length === 0 ||
  wanted.some((part) => (/^\d+$/.test(part) ? String(row) === part : name.includes(part)))
const ROWS = [...LINK_ROWS, ...FIXTURE_ROWS].sort((a, b) => a.row - b.row).filter(isWanted)
if (ROWS.length === 0) throw new RangeError(`--only ${values.only} names no row`)

const POOLED_SHARE = 1.2
/** Twice over rows that the mesh repairs alone and rows that it does not: ten runs. */
const CONTROL_ROWS: readonly number[] = [1, 4, 6, 7, 13]
const CONTROL_ROUNDS = 2

function planOf(row: HealRow, round: number, control: boolean): RunPlan {
  const scene = row.scenes[round % row.scenes.length]
  if (scene === undefined) throw new TypeError(`${row.name} has no scene`)
  const key = `${control ? 'control' : 'loop'} ${row.row} ${row.name} ${round}`
  return { key, row, scene, control, seed: seed * 1_000 + round }
}

/** Round by round, so that a run that is stopped early has some of everything. */
function schedule(): readonly RunPlan[] {
  const runs = new Map(ROWS.map((row) => [row, row.pooled === true ? Math.round(n * POOLED_SHARE) : n]))
  const plans: RunPlan[] = []
  for (let round = 0; round < Math.max(...runs.values()); round += 1) {
    for (const [row, count] of runs) if (round < count) plans.push(planOf(row, round, false))
    if (values['no-control'] || round >= Math.min(CONTROL_ROUNDS, n)) continue
    for (const row of ROWS) if (CONTROL_ROWS.includes(row.row)) plans.push(planOf(row, round, true))
  }
  return plans
}

const commit = commitOf()
const partial = `${values.json}.partial`
const write = (path: string, text: string): void => {
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
}
const progressSchema = z.object({ commit: z.string(), seed: z.int(), runs: z.array(runSchema) })

function goOn(): Run[] {
  if (!existsSync(partial)) return []
  const found = progressSchema.safeParse(JSON.parse(readFileSync(partial, 'utf8')))
  return found.success && found.data.commit === commit && found.data.seed === seed ? found.data.runs : []
}

const plans = schedule()
const runs = goOn().filter(({ key }) => plans.some((plan) => plan.key === key))
const notes = [...loadNote('when it began')]
if (runs.length > 0) process.stderr.write(`going on after ${runs.length} of ${plans.length} runs\n`)
const beganMs = performance.now()
let done = 0
for (const plan of plans) {
  if (runs.some(({ key }) => key === plan.key)) continue
  const run = await runOnce(plan)
  runs.push(run)
  done += 1
  write(partial, JSON.stringify({ commit, seed, runs }))
  const leftMin = ((performance.now() - beganMs) / done / 60_000) * (plans.length - runs.length)
  const outcome = run.started ? (run.healed ? 'healed' : 'not healed') : 'DID NOT START'
  const took = run.repairMs === null ? '' : ` in ${Math.round(run.repairMs)} ms`
  process.stderr.write(
    `${runs.length}/${plans.length}, ${leftMin.toFixed(0)} min left: ${run.key} on ${run.topology}: ${outcome}${took}${run.plans.length > 0 ? ` (${run.plans.join(', ')})` : ''}; outage ${Math.round(run.outageMs ?? 0)} ms; ${run.note}\n`,
  )
}

const report = {
  ...({
    name: 'heal',
    commit,
    machine: machineOf(),
    date: new Date().toISOString(),
    seed,
    notes,
    runs,
  } as const),
}
const text = tellReport(ROWS, report)
write(values.json, `${JSON.stringify(report, undefined, 1)}\n`)
write(values.json.replace(/(\.json)?$/, '.md'), text)
rmSync(partial, { force: true })
process.stdout.write(`${text}\n`)
