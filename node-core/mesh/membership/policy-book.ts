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
  current(): PolicyVersion | undefined
  /** What to decide by: before the first version has come, nothing is allowed. */
  policy(): Policy
}

const NOTHING_ALLOWED: Policy = { version: 1, rules: [] }

export function createPolicyBook(context: MembershipContext): PolicyBook {
  let current: PolicyVersion | undefined

  const verdictOf = (version: PolicyVersion, nowMs: number) =>
    verifyPolicyVersion(version, { meshId: context.meshId, authority: context.authority, nowMs })

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
      if (verdict === 'not-yet-valid') return later('policy: not-yet-valid')
      if (verdict !== 'valid') return bad(`policy: ${verdict}`)
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
    current: () => current,
    policy: () => current?.policy ?? NOTHING_ALLOWED,
  }
}
