import type { Plan, PlanStep } from '../../domain/plan.ts'
import { subjectKey } from '../../domain/subject.ts'
import type { Clock } from '../../platform/clock.ts'
import type { GuardFacts, GuardLimits, PastAction } from '../guards/guards.ts'
import type { MaintenanceWindow } from '../guards/maintenance.ts'
import type { MeshView } from '../plan/expand-steps.ts'

/** Remembers what the guards look at. Bounded: what is older than an hour says nothing any more. */
export interface GuardKeeper {
  incidentOpened(at: number): void
  acted(plan: Plan, step: PlanStep): void
  began(plan: Plan): void
  ended(plan: Plan): void
  facts(mesh: MeshView): GuardFacts
  pause: { readonly reason: string; readonly by: string; readonly at: number } | undefined
}

const HOUR_MS = 3_600_000
const MAX_KEPT = 2_000

export function createGuardKeeper(
  clock: Clock,
  settings: { readonly limits: GuardLimits; readonly windows: readonly MaintenanceWindow[] },
): GuardKeeper {
  let openedAt: number[] = []
  let past: PastAction[] = []
  let failedAt: number[] = []
  const underWay = new Map<Plan['id'], Plan>()
  return {
    pause: undefined,
    incidentOpened(at) {
      openedAt = [...openedAt.filter((other) => at - other < HOUR_MS), at].slice(-MAX_KEPT)
    },
    acted(plan, { subject, target, action }) {
      const at = clock.now()
      const action_ = { at, playbook: plan.playbook, subject: subjectKey(subject), target, action }
      past = [...past.filter((other) => at - other.at < HOUR_MS), action_].slice(-MAX_KEPT)
    },
    began: (plan) => void underWay.set(plan.id, plan),
    ended(plan) {
      underWay.delete(plan.id)
      if (plan.state === 'succeeded') failedAt = []
      else if (plan.state === 'failed' || plan.state === 'rolled-back')
        failedAt = [...failedAt, clock.now()].slice(-MAX_KEPT)
    },
    facts(mesh) {
      return {
        now: clock.now(),
        limits: settings.limits,
        ...{ openedAt, past, failedAt, windows: settings.windows, paused: this.pause },
        underWay: [...underWay.values()].map(({ steps }) => ({
          subject: steps[0] === undefined ? '' : subjectKey(steps[0].subject),
          actions: steps.map(({ target, action }) => ({ target, action })),
        })),
        members: mesh.members.length,
        reachable: mesh.members.filter((peer) => peer === mesh.self || mesh.isReachable(peer)).length,
      }
    },
  }
}
