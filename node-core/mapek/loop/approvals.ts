import type { PlanId } from '../../domain/ids.ts'
import type { Plan, PlanVote } from '../../domain/plan.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { PlanStore } from '../execute/ports.ts'

export type ApprovalFault =
  | { code: 'PLAN_UNKNOWN'; id: string }
  | { code: 'PLAN_NOT_WAITING'; id: string; state: string }
  | { code: 'PLAN_VOTED'; id: string }

/** Decisions of people about plans that wait for one. Who may decide is for the caller to check. */
export interface Approvals {
  /**
   * Counts a vote. The first that is counted decides; it is kept before anybody acts on it.
   *
   * @throws FaultError PLAN_UNKNOWN, PLAN_NOT_WAITING, PLAN_VOTED
   */
  vote(id: PlanId, vote: PlanVote): Plan
  /** Resolves when the plan is decided: by a person, or by nobody, which denies. Rejects with the signal. */
  decided(plan: Plan, signal: AbortSignal): Promise<Plan>
  /** What a restart found waiting although its time is up is denied. */
  expire(): readonly Plan[]
}

export function createApprovals(
  deps: { readonly clock: Clock; readonly plans: PlanStore },
  onChange: (plan: Plan) => void,
): Approvals {
  const { clock, plans } = deps
  const waiting = new Map<PlanId, (plan: Plan) => void>()
  const put = (plan: Plan): Plan => {
    plans.save(plan)
    onChange(plan)
    waiting.get(plan.id)?.(plan)
    return plan
  }
  const hasExpired = ({ approvalExpiresAt }: Plan): boolean =>
    approvalExpiresAt !== undefined && clock.now() >= approvalExpiresAt
  const expire = (plan: Plan): Plan =>
    put({
      ...plan,
      state: 'expired',
      reason: 'nobody decided in time, which denies it',
      endedAt: clock.now(),
    })
  return {
    vote(id, vote) {
      const plan = plans.get(id)
      if (plan === undefined) {
        throw new FaultError<ApprovalFault>({ code: 'PLAN_UNKNOWN', id }, `no plan ${id} is known here`, {
          hint: 'x0t heal status lists those that wait; a plan is decided at the node that made it.',
        })
      }
      if (plan.approvals.some(({ by }) => by === vote.by)) {
        throw new FaultError<ApprovalFault>(
          { code: 'PLAN_VOTED', id },
          `${vote.by} has decided ${id} already`,
        )
      }
      const current = plan.state === 'waiting' && hasExpired(plan) ? expire(plan) : plan
      if (current.state !== 'waiting') {
        throw new FaultError<ApprovalFault>(
          { code: 'PLAN_NOT_WAITING', id, state: current.state },
          `${id} does not wait for anybody: it is ${current.state}`,
        )
      }
      const isYes = vote.verdict === 'approve'
      return put({
        ...current,
        approvals: [...current.approvals, vote],
        state: isYes ? 'approved' : 'rejected',
        reason: `${isYes ? 'approved' : 'rejected'} by ${vote.by}${vote.comment === undefined ? '' : `: ${vote.comment}`}`,
        endedAt: isYes ? undefined : clock.now(),
      })
    },
    decided(plan, signal) {
      const { id, approvalExpiresAt = clock.now() } = plan
      return new Promise((resolve, reject) => {
        const cancel = clock.after(Math.max(0, approvalExpiresAt - clock.now()), () => {
          const now = plans.get(id) ?? plan
          if (now.state === 'waiting') expire(now)
        })
        const settle = (): void => {
          cancel()
          waiting.delete(id)
          signal.removeEventListener('abort', onAbort)
        }
        const onAbort = (): void => {
          settle()
          reject(signal.reason)
        }
        waiting.set(id, (changed) => {
          if (changed.state === 'waiting') return
          settle()
          resolve(changed)
        })
        signal.addEventListener('abort', onAbort, { once: true })
        // Somebody may have decided before anybody waited.
        const now = plans.get(id)
        if (now !== undefined && now.state !== 'waiting') waiting.get(id)?.(now)
        else if (signal.aborted) onAbort()
      })
    },
    expire: () =>
      plans
        .unfinished()
        .filter((plan) => plan.state === 'waiting' && hasExpired(plan))
        .map(expire),
  }
}
