import type { Policy } from '../../security/policy.ts'
import {
  decodePolicyVersion,
  judgePolicyVersion,
  type PolicyVersion,
  verifyPolicyVersion,
} from '../../security/policy-version.ts'
import { type Acceptance, bad, KNOWN, later, type MembershipContext } from './context.ts'

/** The newest signed version of the mesh's policy. */
export interface PolicyBook {
  load(): void
  accept(version: PolicyVersion): Acceptance
  /** Looks again whether the version held is one that counts. */
  authorityChanged(): void
  current(): PolicyVersion | undefined
  /** What to decide by: before the first version has come, nothing is allowed. */
  policy(): Policy
}

const NOTHING_ALLOWED: Policy = { version: 1, rules: [] }

export function createPolicyBook(context: MembershipContext): PolicyBook {
  let current: PolicyVersion | undefined

  /** Of what a replaced key signed, only the version counts that it left. */
  const verdictOf = (version: PolicyVersion, nowMs: number) => {
    const { meshId, authorities } = context
    return authorities.judgeSigned(
      (authority) => verifyPolicyVersion(version, { meshId, authority, nowMs }),
      ({ replacedBy }) => replacedBy?.policy === version.hash,
    )
  }

  return {
    load() {
      const row = context.store.policies.latest()
      const version = row === undefined ? undefined : decodePolicyVersion(row.policy)
      if (version === undefined) return
      if (verdictOf(version, Number.MAX_SAFE_INTEGER) === 'valid') current = version
    },
    accept(version) {
      const outcome = judgePolicyVersion(current, version)
      if (outcome === 'stale' || outcome === 'fork-keep') return KNOWN
      const verdict = verdictOf(version, context.clock.now())
      if (verdict === 'wrong-mesh') return bad(`policy: ${verdict}`)
      // Who replaced the authority may not have been heard of yet.
      if (verdict !== 'valid') return later(`policy: ${verdict}`)
      current = version
      context.store.policies.append({
        version: version.number,
        acceptedAt: context.clock.now(),
        policy: version.bytes,
      })
      context.floor.observe(version.at, 'authority')
      context.events.emit('policyChanged', { version: version.number })
      return { kind: 'kept', news: { kind: 'policy' } }
    },
    authorityChanged() {
      // Nothing is allowed then, until the version comes that counts.
      if (current !== undefined && verdictOf(current, Number.MAX_SAFE_INTEGER) !== 'valid')
        current = undefined
    },
    current: () => current,
    policy: () => current?.policy ?? NOTHING_ALLOWED,
  }
}
