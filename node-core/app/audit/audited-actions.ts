import type { PeerId } from '../../domain/ids.ts'
import type { StepAction } from '../../domain/plan.ts'
import type { ActionOrder, ActionReport } from '../../mapek/execute/ports.ts'
import type { Membership } from '../../mesh/membership/membership.ts'
import { messageOf } from '../../platform/error.ts'
import type { AuditLog } from './audit-log.ts'
import { auditText } from './audit-text.ts'

/** Performs an action of this node for the loop of `from`, and enters it. @throws what the action throws, StoreFault */
export type ActionAudit = (
  from: PeerId,
  order: ActionOrder,
  perform: () => Promise<ActionReport>,
) => Promise<ActionReport>

/** Neither changes anything. */
const NO_CHANGE: ReadonlySet<StepAction> = new Set(['wait', 'notify'])
const MAX_DETAIL = 500

export function createActionAudit(
  log: AuditLog,
  { certificateOf }: Pick<Membership, 'certificateOf'>,
): ActionAudit {
  return async (from, order, perform) => {
    if (NO_CHANGE.has(order.action)) return perform()
    const { plan, step, subject, args, isResumed } = order
    const begun = log.begin({
      actor: { kind: 'loop', name: certificateOf(from)?.name ?? '', via: 'loop', peer: from },
      ...{ role: certificateOf(from)?.role ?? 'none', operation: `action.${order.action}` },
      // From the symptom to the last action everything has the name of the incident.
      correlation: order.incident,
      input: auditText({ plan, step, subject, args, isResumed }),
      before: null,
    })
    try {
      const report = await perform()
      const detail = report.text.slice(0, MAX_DETAIL)
      // What changed nothing stands in the plan's own journal.
      if (report.changed) begun.end({ after: null, outcome: 'done', detail })
      else begun.abandon()
      return report
    } catch (error) {
      // Tried again every second while a peer is gone, and nothing is another way than before.
      if (order.action === 'redial') begun.abandon()
      else begun.end({ after: null, outcome: 'failed', detail: messageOf(error).slice(0, MAX_DETAIL) })
      throw error
    }
  }
}
