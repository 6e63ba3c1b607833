import type { PeerId, PlanId } from '../../domain/ids.ts'
import { type Plan, type PlanVote, statementOf, type VoteProof } from '../../domain/plan.ts'
import type { ActionOrder } from '../../mapek/execute/ports.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import type { Random } from '../../platform/random.ts'
import type { HybridPublicKey } from '../../security/hybrid-key.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import {
  EPOCH_BYTES,
  hashArguments,
  readRemoteAction,
  signRemoteAction,
} from '../../security/remote-action.ts'

/*
 * Whoever is asked for what takes something away from a member does not take the word of the node that asks for it that a
 * person agreed. A vote from another node came as a call that the approver's key signed, over what the person was shown;
 * one at this node is signed by this node in the same form. Both are kept with the plan and travel with each order.
 */
const APPROVE_OPERATION = 'plans.approve'

export type VoteFault = { code: 'PLAN_CHANGED'; id: string }

/** What a person agreed to, as it goes to the node that is to act on it. */
export interface CarriedVote {
  readonly approver: PeerId
  readonly action: Uint8Array
  readonly comment: string | null
  readonly steps: readonly string[]
}

const inputOf = (plan: PlanId, comment: string | null, steps: readonly string[]) => ({
  id: plan,
  comment,
  steps,
})

/** A vote of whoever sits at this node. */
export function proveOwnVote(
  deps: { readonly clock: Clock; readonly random: Random },
  identity: NodeIdentity,
  plan: Pick<Plan, 'id' | 'steps'>,
  comment: string | null,
): VoteProof {
  const steps = plan.steps.map(statementOf)
  const action = signRemoteAction(deps, identity, {
    ...{ target: identity.peerId, epoch: deps.random.bytes(EPOCH_BYTES), operation: APPROVE_OPERATION },
    input: inputOf(plan.id, comment, steps),
  })
  return { approver: identity.peerId, action: Buffer.from(action).toString('base64'), steps }
}

/** A vote that came over the mesh with the call that was signed for it; nothing when it does not say what for. */
export function keepForeignVote(vote: {
  readonly approver: PeerId
  readonly action: Uint8Array | undefined
  readonly steps: readonly string[] | undefined
}): VoteProof | undefined {
  const { approver, action, steps } = vote
  if (steps === undefined || action === undefined) return undefined
  return { approver, action: Buffer.from(action).toString('base64'), steps }
}

/** @throws FaultError PLAN_CHANGED when the person was shown something else than the plan */
export function checkShown(plan: Pick<Plan, 'id' | 'steps'>, steps: readonly string[]): void {
  const real = plan.steps.map(statementOf)
  if (steps.length !== real.length || steps.some((step, at) => step !== real[at])) {
    throw new FaultError<VoteFault>(
      { code: 'PLAN_CHANGED', id: plan.id },
      `${plan.id} does something else than what was approved`,
      { hint: 'Look at it again: x0t why shows the plan as it is now.' },
    )
  }
}

export const carriedVotes = (approvals: readonly PlanVote[]): CarriedVote[] =>
  approvals.flatMap(({ verdict, proof, comment }) =>
    verdict !== 'approve' || proof === undefined
      ? []
      : [
          {
            ...{ approver: proof.approver, action: new Uint8Array(Buffer.from(proof.action, 'base64')) },
            ...{ comment: comment ?? null, steps: proof.steps },
          },
        ],
  )

/** A guard may hold a plan back for minutes after it was approved; afterwards the yes of a person is stale. */
const VOTE_LIFE_MS = 30 * 60_000
/** Clocks of members differ. */
const MAX_SKEW_MS = 60_000

/** Those who agreed to this very step of this plan at the node that asks for it, by signatures of their own; each once. */
export function provenApprovers(
  { clock, keyOf }: { readonly clock: Clock; readonly keyOf: (peer: PeerId) => HybridPublicKey | undefined },
  coordinator: PeerId,
  order: ActionOrder,
  votes: readonly CarriedVote[],
): readonly PeerId[] {
  const wanted = statementOf(order)
  const approvers = votes.flatMap(({ approver, action, comment, steps }) => {
    const key = keyOf(approver)
    const signed = key && readRemoteAction(action, key)
    if (signed === undefined || signed.approver !== approver) return []
    const isForThis =
      signed.operation === APPROVE_OPERATION &&
      signed.target === coordinator &&
      signed.argumentsHash === hashArguments(inputOf(order.plan, comment, steps)) &&
      steps.includes(wanted)
    const ageMs = clock.now() - signed.signedAt
    return isForThis && ageMs <= VOTE_LIFE_MS && ageMs >= -MAX_SKEW_MS ? [approver] : []
  })
  return [...new Set(approvers)]
}
