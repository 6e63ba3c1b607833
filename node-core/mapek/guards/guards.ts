import type { PeerId } from '../../domain/ids.ts'
import type { Incident } from '../../domain/incident.ts'
import type { StepAction } from '../../domain/plan.ts'
import { subjectKey } from '../../domain/subject.ts'
import { isDestructive, type RankedPlaybook } from '../plan/planner.ts'
import { isWithin, type MaintenanceWindow } from './maintenance.ts'

/** What holds whatever a playbook says. */
export interface GuardLimits {
  /** Actions of this node's loop in any minute, and in any hour. */
  readonly actionsPerMinute: number
  readonly actionsPerHour: number
  /** So many incidents opened within `stormMs` are one storm: nothing is done until it has calmed. */
  readonly stormIncidents: number
  readonly stormMs: number
  /** Share of the members that has to be reachable for a step of medium or high risk. */
  readonly minHealthyShare: number
  /** Share of the members that one plan may touch, and never fewer than two nodes. */
  readonly maxBlastShare: number
  /** Plans that failed in a row open the breaker for `breakerMs`. */
  readonly breakerFailures: number
  readonly breakerMs: number
}

export const GUARD_DEFAULTS: GuardLimits = {
  actionsPerMinute: 30,
  actionsPerHour: 300,
  stormIncidents: 5,
  stormMs: 10_000,
  minHealthyShare: 0.5,
  maxBlastShare: 0.5,
  breakerFailures: 5,
  breakerMs: 60_000,
}

/** An action that was started: what rate limits and cooldowns count. */
export interface PastAction {
  readonly at: number
  readonly playbook: string
  readonly subject: string
  readonly target: PeerId
  readonly action: StepAction
}

/** What the guards look at. All of it is read, nothing is changed. */
export interface GuardFacts {
  readonly now: number
  readonly limits: GuardLimits
  /** When incidents opened lately. */
  readonly openedAt: readonly number[]
  readonly past: readonly PastAction[]
  /** Plans under way: what each is about, by `subjectKey`, and who does what. */
  readonly underWay: readonly {
    readonly subject: string
    readonly actions: readonly { readonly target: PeerId; readonly action: StepAction }[]
  }[]
  readonly members: number
  readonly reachable: number
  readonly paused: { readonly reason: string; readonly by: string } | undefined
  readonly windows: readonly MaintenanceWindow[]
  /** When plans of this loop failed, since the last one that succeeded. */
  readonly failedAt: readonly number[]
}

export type GuardVerdict =
  | { readonly kind: 'allowed' }
  /** `until`: when to look again; undefined when only a person can change it. */
  | {
      readonly kind: 'withheld'
      readonly guard: string
      readonly reason: string
      readonly until: number | undefined
    }

/** Who stands behind a plan, when its mode alone does not let it run. */
export interface Backing {
  /** Distinct eligible people who approved. */
  readonly approvals: number
  /** Distinct nodes that witnessed the same and agreed. */
  readonly witnesses: number
}

/** Nodes that have to agree on a destructive action that no person has approved. */
const AGREEING_NODES = 3

/** Judges a plan before it starts. The first guard that forbids it says so. */
export function judgePlan(
  incident: Incident,
  chosen: RankedPlaybook,
  backing: Backing,
  facts: GuardFacts,
): GuardVerdict {
  for (const guard of [paused, storm, breaker, busy, cooldown, rates, radius, health, window]) {
    const verdict = guard(incident, chosen, facts)
    if (verdict !== undefined) return verdict
  }
  return destructive(chosen, backing) ?? { kind: 'allowed' }
}

type Guard = (
  incident: Incident,
  chosen: RankedPlaybook,
  facts: GuardFacts,
) => Extract<GuardVerdict, { kind: 'withheld' }> | undefined

const withheld = (guard: string, reason: string, until?: number) =>
  ({ kind: 'withheld', guard, reason, until }) as const

const paused: Guard = (_incident, _chosen, { paused: pause }) =>
  pause && withheld('pause', `${pause.by} has paused the loop: ${pause.reason}`)

/** The incident that says that there is a storm is not stopped by it: it only calls a person. */
const storm: Guard = (incident, chosen, { now, limits, openedAt }) => {
  const recent = openedAt.filter((at) => now - at < limits.stormMs)
  if (recent.length < limits.stormIncidents || onlyTells(chosen) || incident.code === 'storm')
    return undefined
  return withheld(
    'storm',
    `${recent.length} incidents within ${limits.stormMs / 1_000} s are a storm: nothing is done until it has calmed`,
    Math.min(...recent) + limits.stormMs,
  )
}

const breaker: Guard = (_incident, chosen, { now, limits, failedAt }) => {
  const last = failedAt.at(-1)
  if (last === undefined || failedAt.length < limits.breakerFailures || onlyTells(chosen)) return undefined
  const until = last + limits.breakerMs
  return now < until
    ? withheld('breaker', `${failedAt.length} plans in a row repaired nothing: the breaker is open`, until)
    : undefined
}

const RETRY_BUSY_MS = 1_000

const busy: Guard = (incident, { steps }, { now, underWay }) => {
  const key = subjectKey(incident.subject)
  const wanted = new Set(steps.filter(isRepair).map(actionKey))
  const other = underWay.find(
    ({ subject, actions }) =>
      subject === key || actions.some((action) => isRepair(action) && wanted.has(actionKey(action))),
  )
  if (other === undefined) return undefined
  const what = other.subject === key ? 'a plan for the same' : 'the same action on one of its nodes'
  return withheld('one-at-a-time', `${what} is under way`, now + RETRY_BUSY_MS)
}

const actionKey = ({ target, action }: { readonly target: PeerId; readonly action: StepAction }): string =>
  `${action} ${target}`
const isRepair = ({ action }: { readonly action: StepAction }): boolean => !TELLS.includes(action)

/** By a timer alone: a repair that failed never keeps the loop from trying again later. */
const cooldown: Guard = (incident, { playbook }, { now, past }) => {
  const key = subjectKey(incident.subject)
  const last = past.findLast((action) => action.playbook === playbook.playbook && action.subject === key)
  if (last === undefined) return undefined
  const until = last.at + playbook.guards.cooldown
  return now < until
    ? withheld(
        'cooldown',
        `${playbook.playbook} acted on it ${Math.round((now - last.at) / 1_000)} s ago`,
        until,
      )
    : undefined
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

const rates: Guard = (_incident, { playbook, steps }, { now, limits, past }) => {
  const within = (windowMs: number, of: readonly PastAction[]) => of.filter(({ at }) => now - at < windowMs)
  const own = past.filter((action) => action.playbook === playbook.playbook)
  const bounds = [
    { windowMs: MINUTE_MS, limit: limits.actionsPerMinute, found: within(MINUTE_MS, past), what: 'the loop' },
    { windowMs: HOUR_MS, limit: limits.actionsPerHour, found: within(HOUR_MS, past), what: 'the loop' },
  ]
  const runs = new Set(within(HOUR_MS, own).map(({ at, subject }) => `${at} ${subject}`))
  for (const { windowMs, limit, found, what } of bounds) {
    if (found.length + steps.length <= limit) continue
    const until = (found[0]?.at ?? now) + windowMs
    return withheld(
      'rate',
      `${what} has made ${found.length} of ${limit} actions in ${windowMs / MINUTE_MS} min`,
      until,
    )
  }
  if (runs.size < playbook.guards['per-hour']) return undefined
  const until = (own[0]?.at ?? now) + HOUR_MS
  return withheld('rate', `${playbook.playbook} has run ${runs.size} times within an hour`, until)
}

const RETRY_SOON_MS = 5_000
const MIN_BLAST = 2

const radius: Guard = (_incident, { playbook, blastRadius, steps }, { limits, members }) => {
  if (!steps.some(isRepair)) return undefined
  const share = Math.max(MIN_BLAST, Math.floor(members * limits.maxBlastShare))
  const limit = Math.min(playbook.guards['blast-radius'], share)
  return blastRadius > limit
    ? withheld('blast-radius', `it touches ${blastRadius} nodes, and ${limit} are the most`)
    : undefined
}

const health: Guard = (_incident, chosen, { now, limits, members, reachable }) => {
  const { playbook } = chosen
  if (onlyTells(chosen)) return undefined
  const floor = playbook.risk === 'low' ? 0 : limits.minHealthyShare
  const needed = Math.ceil(members * Math.max(floor, playbook.guards['healthy-share']))
  return reachable < needed
    ? withheld(
        'minimum-healthy',
        `${reachable} of ${members} members are reachable, and ${needed} have to be`,
        now + RETRY_SOON_MS,
      )
    : undefined
}

const window: Guard = (_incident, { playbook }, { now, windows }) => {
  if (playbook.guards.when === 'always' || windows.some((one) => isWithin(one, now))) return undefined
  return withheld('maintenance', 'it waits for a maintenance window', now + MINUTE_MS)
}

function destructive({ steps }: RankedPlaybook, { approvals, witnesses }: Backing): GuardVerdict | undefined {
  const step = steps.find(({ action }) => isDestructive(action))
  if (step === undefined || approvals > 0 || witnesses >= AGREEING_NODES) return undefined
  return withheld('destructive', `${step.action} takes a person, or ${AGREEING_NODES} nodes that agree`)
}

/** What only tells people, or waits, does no harm in a storm. */
const TELLS: readonly StepAction[] = ['notify', 'wait']
const onlyTells = ({ steps }: Pick<RankedPlaybook, 'steps'>): boolean => !steps.some(isRepair)
