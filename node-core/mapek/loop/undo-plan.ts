import type { IncidentId, PlanId } from '../../domain/ids.ts'
import { isPlanOver, type Plan } from '../../domain/plan.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { Executor } from '../execute/executor.ts'
import type { PlanStore } from '../execute/ports.ts'
import type { IncidentBook } from '../incidents/incident-book.ts'

export type UndoFault =
  | { code: 'PLAN_UNKNOWN'; id: string }
  | { code: 'PLAN_NOT_UNDOABLE'; id: string; state: string }
  | { code: 'INCIDENT_BEING_REPAIRED'; incident: string }

export interface UndoDeps {
  readonly clock: Clock
  readonly plans: PlanStore
  readonly executor: Executor
  readonly book: Pick<IncidentBook, 'get' | 'append'>
  /** Whether something is being done about an incident now. */
  isBusy(incident: IncidentId): boolean
}

const undoable = ({ state, steps }: Plan): boolean =>
  state === 'succeeded' && steps.some((step) => step.state === 'done' && step.compensation !== undefined)

/**
 * Takes back a repair that succeeded, because a person wants that.
 *
 * @returns the plan as it is afterwards: `rolled-back`, or `failed` when a step could not be taken back
 * @throws FaultError PLAN_UNKNOWN, PLAN_NOT_UNDOABLE, INCIDENT_BEING_REPAIRED
 */
export async function undoPlan(deps: UndoDeps, id: PlanId, by: string, signal: AbortSignal): Promise<Plan> {
  const plan = deps.plans.get(id)
  if (plan === undefined) {
    throw new FaultError<UndoFault>({ code: 'PLAN_UNKNOWN', id }, `no plan ${id} is known here`, {
      hint: 'A repair is taken back at the node that made it.',
    })
  }
  if (!undoable(plan)) {
    const why = plan.state === 'succeeded' ? 'none of its steps can be taken back' : `it is ${plan.state}`
    throw new FaultError<UndoFault>(
      { code: 'PLAN_NOT_UNDOABLE', id, state: plan.state },
      `${id} cannot be taken back: ${why}`,
      { hint: isPlanOver(plan.state) ? 'Nothing was changed.' : 'Wait until it is over.' },
    )
  }
  const { incident } = plan
  if (deps.isBusy(incident)) {
    throw new FaultError<UndoFault>(
      { code: 'INCIDENT_BEING_REPAIRED', incident },
      `${incident} is being repaired now: what is taken back could be what the repair stands on`,
      { hint: 'Wait until that is over, or pause healing first.' },
    )
  }
  const reason = `taken back by ${by}`
  // Kept first: a node that dies in between finds a plan that is not over, and its journal says how far it was.
  const running: Plan = { ...plan, state: 'running', reason, endedAt: undefined }
  deps.plans.save(running)
  const undone = await deps.executor.rollBack(running, reason, signal)
  if (deps.book.get(incident) !== undefined) {
    const text = undone.state === 'rolled-back' ? 'The repair was taken back.' : undone.reason
    deps.book.append(incident, { at: deps.clock.now(), kind: 'person', text, planId: id, actor: by })
  }
  return undone
}
