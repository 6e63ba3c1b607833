import type { PeerId } from '../../domain/ids.ts'
import type { StepAction } from '../../domain/plan.ts'
import { type Role, roleAtLeast } from '../../domain/role.ts'
import type { Clock } from '../../platform/clock.ts'
import type { RemoteActionDeps } from './remote-actions.ts'

/**
 * What shuts a member out, or lets it in again. A person has to have approved the former, by a signature of a certificate
 * with the role; and the node that asks has to have the role as well, for it is the one that says why.
 */
const NEEDS_APPROVAL: readonly StepAction[] = ['quarantine-peer']
const NEEDS_OPERATOR: readonly StepAction[] = ['quarantine-peer', 'release-peer']

export interface TargetGuardDeps {
  readonly clock: Clock
  readonly self: PeerId
  readonly isPaused: () => boolean
  /** The role in the certificate of a member in good standing. */
  readonly roleOf: (peer: PeerId) => Role | undefined
  /** Whether the policy lets this member have this node do steps of a repair. */
  readonly mayHeal: (from: PeerId) => boolean
  /** Whether this node's own check says that its service is broken. */
  readonly isServiceBroken: (name: string) => boolean
}

const MAX_ORDERS_PER_MINUTE = 30

/** The guards of a node that is asked for something: however far the sender's own go, these hold. */
export function createTargetGuards({
  clock,
  self,
  isPaused,
  roleOf,
  mayHeal,
  isServiceBroken,
}: TargetGuardDeps): RemoteActionDeps['judge'] {
  let recent: { readonly from: PeerId; readonly atMs: number }[] = []
  const isOperator = (peer: PeerId): boolean => {
    const role = roleOf(peer)
    return role !== undefined && roleAtLeast(role, 'operator')
  }
  return (from, order, approvers) => {
    const nowMs = clock.monotonicMs()
    recent = recent.filter(({ atMs }) => nowMs - atMs < 60_000)
    if (recent.filter((past) => past.from === from).length >= MAX_ORDERS_PER_MINUTE)
      return 'too many orders in a minute'
    recent.push({ from, atMs: nowMs })
    const isUndo = ['release-route', 'undrain-node', 'release-peer'].includes(order.action)
    if (!mayHeal(from)) return 'the policy lets it heal nothing at this node'
    if (NEEDS_OPERATOR.includes(order.action) && !isOperator(from))
      return `${order.action} takes the certificate of an operator`
    if (isPaused() && !isUndo) return 'the loop of this node is paused'
    if (NEEDS_APPROVAL.includes(order.action) && !approvers.some(isOperator))
      return `${order.action} takes a person's approval, signed by the certificate of an operator`
    const { subject } = order
    if (subject.kind === 'link' && !subject.ends.some((end) => end === self))
      return 'this node is no end of that link'
    if (order.action === 'drain-node' && subject.kind === 'mesh') return 'it names no node'
    if (order.action === 'run-command') {
      const isOurs = subject.kind === 'service' && subject.provider === self
      if (!isOurs) return 'commands are run for services of this node alone'
      if (!isServiceBroken(subject.name)) return 'its own check says that the service works'
    }
    return undefined
  }
}
