import { FaultError } from '../../platform/error.ts'
import type { PolicyParty } from '../../security/policy.ts'
import { type PolicyProblem, parsePolicy } from '../../security/policy-document.ts'
import { reviewPolicy } from '../../security/policy-review.ts'
import { type PolicyVersion, signPolicyVersion } from '../../security/policy-version.ts'
import type { MembershipContext } from './context.ts'
import { clockBehind } from './faults.ts'
import type { PolicyBook } from './policy-book.ts'

export type PolicyWriteFault =
  | { code: 'NOT_THE_AUTHORITY' }
  | { code: 'BAD_POLICY'; problems: readonly PolicyProblem[] }
  | { code: 'POLICY_CHANGED'; number: number }

/**
 * Signs the version after the present one, keeps it and tells the neighbours. A document that does not read, that fails
 * its own cases, names nobody or locks out the last owner changes nothing.
 *
 * @param basedOn the number that the writer has read, so that two people do not undo each other's work unseen
 * @throws FaultError NOT_THE_AUTHORITY, BAD_POLICY, POLICY_CHANGED, CLOCK_BEHIND
 */
export function writePolicy(
  context: MembershipContext,
  policies: PolicyBook,
  { document, basedOn }: { readonly document: string; readonly basedOn: number | undefined },
  parties: readonly PolicyParty[],
): PolicyVersion {
  const current = policies.current()
  if (context.authorityKey === undefined) {
    throw new FaultError<PolicyWriteFault>(
      { code: 'NOT_THE_AUTHORITY' },
      'the policy is signed by the mesh authority, whose key is not on this node',
      { hint: 'Do it on the node that holds it; x0t status says which keys a node holds.' },
    )
  }
  const number = current?.number ?? 0
  if (basedOn !== undefined && basedOn !== number) {
    throw new FaultError<PolicyWriteFault>(
      { code: 'POLICY_CHANGED', number },
      `the policy is at version ${number} by now, and this change was made to version ${basedOn}`,
      { hint: 'Look at it with x0t policy show, put both changes into one document and apply that.' },
    )
  }
  const reading = parsePolicy(document)
  const problems = reading.ok ? reviewPolicy(reading, parties) : reading.problems
  if (problems.length > 0) {
    throw new FaultError<PolicyWriteFault>(
      { code: 'BAD_POLICY', problems },
      `the policy was not changed:\n${problems.map(({ line, message }) => `line ${line}: ${message}`).join('\n')}`,
      { hint: 'Mend these lines and apply the document again.' },
    )
  }
  const clock = context.floor.check()
  if (clock.kind === 'behind') throw clockBehind(clock.byMs)
  const { key, meshId } = context.authorityKey
  const version = signPolicyVersion({ key, meshId }, current, document, context.clock.now())
  const outcome = policies.accept(version)
  if (outcome.kind === 'kept') context.events.emit('news', outcome.news)
  return version
}
