/**
 * Breaks a ring in every way that the lab knows and judges the repair from outside: a client that knows nothing of the
 * product sends a request every 20 ms through the mesh. `--n N` rounds, `--only a,b` rows, `--seed S`, `--json FILE`.
 * `--control` pauses the loop at every node: what the mesh does without it.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import type { NodeName } from '../../node-core/domain/ids.ts'
import { probeThroughMesh } from '../../node-core/lab/invariants/through-mesh.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { messageOf } from '../../node-core/platform/error.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { quantile } from '../bench/harness.ts'
import { makeLab, nodeName } from '../helpers/lab.ts'
import { HEAL_ROWS, type HealRow, type Scene } from './heal-rows.ts'

const { values } = parseArgs({
  options: {
    n: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string', default: 'eval-heal.json' },
    control: { type: 'boolean', default: false },
  },
})
const ROUNDS = Number(values.n)
const ROWS = HEAL_ROWS.filter(({ name, row }) => {
  const wanted = values.only.split(',').filter(Boolean)
  return wanted.length === 0 || wanted.some((part) => name.includes(part) || String(row) === part)
})

/** An answer within this time is delivery; a longer silence is none. */
const GOOD_GAP_MS = 250
const OBSERVE_MS = 15_000
const SETTLE_MS = 4_000

const runSchema = z.object({
  row: z.number(),
  round: z.number(),
  started: z.boolean(),
  detected: z.boolean(),
  rootNamed: z.boolean(),
  healed: z.boolean(),
  escalated: z.boolean(),
  madeWorse: z.boolean(),
  /** First evidence to first verified delivery, as the product has it. */
  repairMs: z.number().nullable(),
  /** From the fault to the last gap of the judge. */
  deliveredAfterMs: z.number().nullable(),
  note: z.string(),
})
type Run = z.infer<typeof runSchema>

/** The judge's way in a ring of six, n1 to n3, leads over n2. */
const SCENE: Scene = { link: [nodeName('n1'), nodeName('n2')], between: nodeName('n2') }
const [FROM, TO]: readonly [NodeName, NodeName] = [nodeName('n1'), nodeName('n3')]

async function oneRun(row: HealRow, round: number): Promise<Run> {
  const lab = await makeLab('ring:6', { seed: Number(values.seed) * 1_000 + round })
  try {
    await lab.start()
    await lab.linked(60_000)
    if (values.control)
      for (const node of lab.topology.nodes) await lab.client(node).heal.pause({ reason: 'control' })
    const judge = await probeThroughMesh({ clock: systemClock, random: systemRandom }, lab, FROM, TO, {})
    await delay(SETTLE_MS)
    const at = Date.now()
    const beganMs = systemClock.monotonicMs()
    await row.inject(lab, SCENE)
    await delay(OBSERVE_MS)
    const lastGapMs = judge.longestGapMs(systemClock.monotonicMs() - 2_000)
    const judged = judge.report()
    const told = await incidentsOf(lab, at)
    const roots = told.filter(({ code }) => row.roots.includes(code))
    const resolved = roots.find(({ repairMs }) => repairMs !== null)
    const isDelivered = lastGapMs < GOOD_GAP_MS * 4 && judged.violations.length === 0
    const escalated = roots.some(({ state }) => state === 'escalated')
    const run: Run = {
      ...{ row: row.row, round, started: true, detected: told.length > 0, rootNamed: roots.length > 0 },
      healed: isDelivered && resolved !== undefined && !escalated,
      ...{ escalated, madeWorse: !isDelivered, repairMs: resolved?.repairMs ?? null },
      deliveredAfterMs: isDelivered ? judge.longestGapMs(beganMs) : null,
      note: told.map(({ code, state }) => `${code} ${state}`).join(', '),
    }
    await judge.close().catch(() => {})
    return run
  } finally {
    await lab.stop()
  }
}

/** Of all nodes that answer, each incident once, as the one that knows most of it has it. */
async function incidentsOf(lab: Lab, since: number) {
  const found = new Map<string, { code: string; state: string; repairMs: number | null }>()
  for (const node of lab.topology.nodes) {
    try {
      const { items } = await lab.client(node, 3_000).incidents.list({ open: null, limit: 50 })
      for (const { id } of items) {
        const { incident } = await lab.client(node, 3_000).heal.why({ id })
        if (incident.firstEvidenceAt < since - 500) continue
        const known = found.get(id)
        if (known === undefined || known.repairMs === null) found.set(id, incident)
      }
    } catch (error) {
      process.stderr.write(`${node} does not answer: ${messageOf(error)}\n`)
    }
  }
  return [...found.values()]
}

const PROGRESS = `${values.json}.partial`
const keep = (path: string, value: unknown): void => {
  writeFileSync(`${path}.tmp`, `${JSON.stringify(value, undefined, 1)}\n`)
  renameSync(`${path}.tmp`, path)
}
const runs: Run[] = existsSync(PROGRESS)
  ? z.array(runSchema).parse(JSON.parse(readFileSync(PROGRESS, 'utf8')))
  : []
for (let round = 0; round < ROUNDS; round += 1) {
  for (const row of ROWS) {
    if (runs.some((run) => run.row === row.row && run.round === round)) continue
    const run = await oneRun(row, round).catch(
      (error: unknown): Run => ({
        ...{ row: row.row, round, started: false, detected: false, rootNamed: false, healed: false },
        ...{
          escalated: false,
          madeWorse: false,
          repairMs: null,
          deliveredAfterMs: null,
          note: messageOf(error),
        },
      }),
    )
    runs.push(run)
    keep(PROGRESS, runs)
    process.stderr.write(
      `round ${round + 1}, row ${row.row} ${row.name}: ${run.healed ? 'healed' : 'NOT healed'} in ${run.repairMs ?? '-'} ms; ${run.note}\n`,
    )
  }
}

const share = (some: readonly Run[], is: (run: Run) => boolean): string =>
  `${some.filter(is).length}/${some.length}`
for (const { row, name } of ROWS) {
  const some = runs.filter((run) => run.row === row)
  const repairs = some.flatMap(({ repairMs }) => repairMs ?? [])
  const p95 =
    repairs.length >= 30
      ? `p95 ${Math.round(quantile(repairs, 0.95))} ms`
      : `max ${Math.round(Math.max(...repairs))} ms`
  process.stdout.write(
    `${String(row).padStart(2)} ${name.padEnd(14)} detected ${share(some, (run) => run.detected)} root ${share(some, (run) => run.rootNamed)} healed ${share(some, (run) => run.healed)} escalated ${share(some, (run) => run.escalated)} worse ${share(some, (run) => run.madeWorse)} repair median ${Math.round(quantile(repairs, 0.5))} ms, ${p95}\n`,
  )
}
keep(values.json, { name: 'heal', control: values.control, seed: values.seed, runs })
rmSync(PROGRESS, { force: true })
