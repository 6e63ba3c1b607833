import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { WhyDocument } from '../../../node-core/contract/heal-schemas.ts'
import { isOver } from '../../../node-core/domain/incident.ts'
import { systemClock } from '../../../node-core/platform/clock.ts'
import type { Judge } from './judges.ts'
import type { HealRow, Seen } from './rows.ts'
import { openStage, type Scene, type Stage } from './stage.ts'

export const runSchema = z.object({
  /** Which run of the schedule this is. */
  key: z.string(),
  row: z.int(),
  name: z.string(),
  topology: z.string(),
  seed: z.int(),
  /** The loop of every node was paused. */
  control: z.boolean(),
  started: z.boolean(),
  detected: z.boolean(),
  rootNamed: z.boolean(),
  /** Traffic is delivered at the end, by the word of the client outside. */
  delivered: z.boolean(),
  healed: z.boolean(),
  /** A person was asked, or called. */
  escalated: z.boolean(),
  madeWorse: z.boolean(),
  /** Plans that began on one subject again before their cooldown was over. */
  repeated: z.int(),
  /** Fault to the first evidence of it; first evidence to the first verified delivery; fault to that. All ms. */
  evidenceMs: z.number().nullable(),
  repairMs: z.number().nullable(),
  fromFaultMs: z.number().nullable(),
  /** Longest time without delivery, by the client. */
  outageMs: z.number().nullable(),
  rttMs: z.number().nullable(),
  /** `PLAYBOOK: STATE` of each plan. */
  plans: z.array(z.string()),
  note: z.string(),
})
export type Run = z.infer<typeof runSchema>

export interface RunPlan extends Pick<Run, 'key' | 'seed' | 'control'> {
  readonly row: HealRow
  readonly scene: Scene
}

const SETTLE_MS = 2_500
const POLL_MS = 400
/** Whatever is done afterwards must not undo it. */
const AFTERWARDS_MS = 2_500
/** What is not to be healed by the loop alone is watched for so long after its root was named. */
const NAMED_MS = 8_000
/** What was no symptom by then was put right before it could be one. */
const UNSEEN_MS = 10_000
const CONTROL_LIMIT_MS = 12_000
const CALL_MS = 3_000
/** Clocks of one machine, but evidence may be a beat older than the fault that it is of. */
const EVIDENCE_SLACK_MS = 1_000
const COOLDOWN_MS = 30_000

/** A run that does not start, or in which the judge cannot be set up, has failed: it counts like any other. */
export async function runOnce(plan: RunPlan): Promise<Run> {
  const { row, scene, seed, key, control } = plan
  const failed: Run = {
    ...{ key, row: row.row, name: row.name, topology: scene.topology, seed, control, started: false },
    ...{ detected: false, rootNamed: false, delivered: false, healed: false, escalated: false },
    ...{ madeWorse: false, repeated: 0, evidenceMs: null, repairMs: null, fromFaultMs: null },
    ...{ outageMs: null, rttMs: null, plans: [], note: '' },
  }
  let stage: Stage | undefined
  try {
    stage = await openStage(scene, {
      seed,
      ...(row.settings === undefined ? {} : { settings: row.settings }),
    })
    return { ...failed, ...(await watched(plan, stage)) }
  } catch (error) {
    return { ...failed, note: error instanceof Error ? error.message : String(error) }
  } finally {
    await stage?.end()
  }
}

async function watched({ row, control }: RunPlan, stage: Stage): Promise<Partial<Run>> {
  const { lab } = stage
  const judge = await row.prepare(stage)
  if (control) {
    for (const node of lab.topology.nodes) await lab.client(node).heal.pause({ reason: 'the control group' })
  }
  await delay(SETTLE_MS)
  const [faultAt, faultMs] = [Date.now(), systemClock.monotonicMs()]
  const attend = await row.inject(stage)
  const isWhole = await watchUntilOver({ row, stage, judge, faultAt, faultMs, control }, attend)
  return verdict(row, stage, judge, { faultAt, faultMs, isWhole })
}

interface Watching {
  readonly row: HealRow
  readonly stage: Stage
  readonly judge: Judge
  readonly faultAt: number
  readonly faultMs: number
  readonly control: boolean
}

/** Until the root is over and traffic flows, and a little longer; or until the time is up. @returns whether all is whole */
async function watchUntilOver(
  { row, stage, judge, faultAt, faultMs, control }: Watching,
  attend: Awaited<ReturnType<HealRow['inject']>>,
): Promise<boolean> {
  const limitMs = control ? Math.min(row.limitMs, CONTROL_LIMIT_MS) : row.limitMs
  let overSinceMs: number | undefined
  let namedSinceMs: number | undefined
  for (;;) {
    const nowMs = systemClock.monotonicMs()
    const seen = await incidentsAt(stage, faultAt)
    await attend?.(seen, nowMs - faultMs).catch((error: unknown) => {
      process.stderr.write(`${row.name}: ${error instanceof Error ? error.message : String(error)}\n`)
    })
    const roots = seen.filter(({ code }) => row.roots.includes(code))
    const isWhole = (await row.isWhole?.(stage).catch(() => false)) ?? true
    if (roots.length > 0) namedSinceMs ??= nowMs
    const isNamed = !row.healable && row.isWhole === undefined && nowMs - (namedSinceMs ?? nowMs) > NAMED_MS
    const isUnseen = row.mayGoUnseen === true && nowMs - faultMs > UNSEEN_MS
    const isCalm = isNamed || (roots.length > 0 ? roots.every(isSettled) : isUnseen)
    const flows = row.endsDelivery === true || (judge.flows() && isGood(row, judge))
    if (isCalm && isWhole && flows) overSinceMs ??= nowMs
    else overSinceMs = undefined
    const isOverNow = overSinceMs !== undefined && nowMs - overSinceMs >= AFTERWARDS_MS
    if (isOverNow || nowMs - faultMs > limitMs) return isWhole
    await delay(POLL_MS)
  }
}

const isSettled = ({ state }: Seen): boolean => state === 'resolved' || state === 'escalated'
const isGood = ({ goodRttMs = Number.POSITIVE_INFINITY }: HealRow, judge: Judge): boolean =>
  (judge.rttMs() ?? Number.POSITIVE_INFINITY) <= goodRttMs || goodRttMs === Number.POSITIVE_INFINITY

/** Of all nodes that answer, each incident once: over, as soon as one of them says so. */
async function incidentsAt({ lab }: Stage, faultAt: number): Promise<Seen[]> {
  const found = new Map<string, Seen>()
  await Promise.all(
    lab.topology.nodes.map(async (node) => {
      const { items } = await lab
        .client(node, CALL_MS)
        .incidents.list({ open: null, limit: 50 })
        .catch(() => ({ items: [] }))
      for (const { id, code, state, firstEvidenceAt } of items) {
        if (firstEvidenceAt < faultAt - EVIDENCE_SLACK_MS) continue
        const known = found.get(id)
        if (known === undefined || !isOver(known.state as 'resolved')) found.set(id, { id, code, state })
      }
    }),
  )
  return [...found.values()]
}

type Told = WhyDocument['incident'] & { readonly plans: WhyDocument['plans'] }

/** As the node has it that knows most of it. */
async function whyAll({ lab }: Stage, faultAt: number): Promise<Told[]> {
  const found = new Map<string, Told>()
  for (const node of lab.topology.nodes) {
    const client = lab.client(node, CALL_MS)
    const { items } = await client.incidents.list({ open: null, limit: 50 }).catch(() => ({ items: [] }))
    for (const { id } of items) {
      const document = await client.heal.why({ id }).catch(() => undefined)
      if (document === undefined || document.incident.firstEvidenceAt < faultAt - EVIDENCE_SLACK_MS) continue
      const told = { ...document.incident, plans: document.plans }
      const known = found.get(id)
      const knowsMore = known === undefined || (known.repairMs === null && told.repairMs !== null)
      if (knowsMore || (known?.plans.length ?? 0) < told.plans.length) found.set(id, told)
    }
  }
  return [...found.values()]
}

async function verdict(
  row: HealRow,
  stage: Stage,
  judge: Judge,
  { faultAt, faultMs, isWhole }: { faultAt: number; faultMs: number; isWhole: boolean },
): Promise<Partial<Run>> {
  const told = await whyAll(stage, faultAt)
  const roots = told.filter(({ code }) => row.roots.includes(code))
  const violations = judge.violations()
  const delivered = judge.flows() && isGood(row, judge) && violations.length === 0
  const repaired = roots.find(({ repairMs }) => repairMs !== null)
  const plans = told.flatMap((one) => one.plans)
  const wasAsked = plans.some(({ approvals }) => approvals.length > 0)
  const escalated = roots.some(({ state }) => state === 'escalated') || wasAsked
  const isOverAll = repaired !== undefined || (roots.length === 0 && row.mayGoUnseen === true)
  return {
    ...{ started: true, detected: told.length > 0, rootNamed: roots.length > 0, delivered, escalated },
    healed: delivered && isWhole && isOverAll && !escalated,
    madeWorse: violations.length > 0 || (row.endsDelivery !== true && !judge.flows()),
    repeated: repeatedPlans(plans),
    evidenceMs: repaired === undefined ? null : repaired.firstEvidenceAt - faultAt,
    repairMs: repaired?.repairMs ?? null,
    fromFaultMs: repaired?.resolvedAt == null ? null : repaired.resolvedAt - faultAt,
    outageMs: judge.outageMs(faultMs),
    rttMs: judge.rttMs() ?? null,
    plans: plans.map(({ playbook, state }) => `${playbook}: ${state}`),
    note: [...told.map(({ code, subject, state }) => `${code} (${subject}) ${state}`), ...violations].join(
      '; ',
    ),
  }
}

/** "No action repeated more than its guard allows": one playbook on one subject, begun again within its cooldown. */
function repeatedPlans(plans: Told['plans']): number {
  const began = plans.flatMap(({ id, incident, playbook, steps }) => {
    const starts = steps.flatMap(({ startedAt }) => startedAt ?? [])
    return starts.length === 0 ? [] : [{ id, of: `${incident} ${playbook}`, at: Math.min(...starts) }]
  })
  return began.filter((one) =>
    began.some(
      (other) =>
        other.id !== one.id && other.of === one.of && one.at > other.at && one.at - other.at < COOLDOWN_MS,
    ),
  ).length
}
