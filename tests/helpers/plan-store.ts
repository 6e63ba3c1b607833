import { type PlanId, parsePlanId } from '../../node-core/domain/ids.ts'
import type { Plan, PlanStep } from '../../node-core/domain/plan.ts'
import { isPlanOver } from '../../node-core/domain/plan.ts'
import type { JournalEntry, PlanStore, StepJournal } from '../../node-core/mapek/execute/ports.ts'
import { incidentOf, peer } from './incidents.ts'

function planIdOf(digit: string): PlanId {
  const id = parsePlanId(`plan-${digit.repeat(16).slice(0, 16)}`)
  if (id === undefined) throw new TypeError(`${digit} makes no plan id`)
  return id
}

export const stepOf = (given: Partial<PlanStep> = {}): PlanStep => ({
  id: 'away',
  action: 'reroute',
  subject: incidentOf().subject,
  target: peer('A'),
  args: {},
  optional: false,
  after: [],
  timeoutMs: 1_000,
  attempts: 1,
  compensation: undefined,
  state: 'pending',
  startedAt: undefined,
  endedAt: undefined,
  outcome: undefined,
  ...given,
})

export const planOf = (given: Partial<Plan> = {}): Plan => ({
  id: planIdOf('1'),
  incident: incidentOf().id,
  playbook: 'around',
  playbookVersion: 1,
  mode: 'auto',
  risk: 'low',
  blastRadius: 1,
  candidates: [],
  state: 'approved',
  reason: '',
  steps: [stepOf()],
  createdAt: 1_700_000_000_000,
  endedAt: undefined,
  approvalExpiresAt: undefined,
  approvals: [],
  verification: undefined,
  ...given,
})

/** Plans and their journal in memory. */
export function createMemoryPlans(): { readonly plans: PlanStore; readonly journal: StepJournal } {
  const plans = new Map<PlanId, Plan>()
  const entries: JournalEntry[] = []
  return {
    plans: {
      save: (plan) => void plans.set(plan.id, plan),
      get: (id) => plans.get(id),
      unfinished: () => [...plans.values()].filter(({ state }) => !isPlanOver(state)),
      recent: (limit) => [...plans.values()].toReversed().slice(0, limit),
    },
    journal: {
      append: (entry) => void entries.push(entry),
      of: (plan) => entries.filter((entry) => entry.plan === plan),
    },
  }
}
