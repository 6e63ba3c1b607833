import type { Membership } from '../../mesh/membership/membership.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { PolicyVersion } from '../../security/policy-version.ts'
import type { AuditLog } from './audit-log.ts'
import { auditText } from './audit-text.ts'

const view = (version: PolicyVersion | undefined): unknown =>
  version && { number: version.number, hash: version.hash, signedAt: version.at, flags: version.policy.flags }

/**
 * Enters each version of the policy, and of the flags in it, that takes effect here because the authority has signed it
 * somewhere else. What is written at this node is entered as the call that wrote it.
 */
export function auditPolicyChanges(
  logger: Logger,
  log: AuditLog,
  membership: Pick<Membership, 'policyVersion' | 'events' | 'holdsAuthority' | 'meshId'>,
): Lifecycle {
  let before: PolicyVersion | undefined
  let off = (): void => {}
  const enter = (): void => {
    const now = membership.policyVersion()
    const was = before
    before = now
    if (membership.holdsAuthority || now === undefined || now.number === was?.number) return
    try {
      log.append({
        actor: { kind: 'authority', name: membership.meshId, via: 'policy', peer: null },
        ...{ role: 'owner', operation: 'policy.accept', correlation: log.newCorrelation(), input: null },
        ...{ before: auditText(view(was)), after: auditText(view(now)), outcome: 'done', detail: null },
      })
    } catch (error) {
      logger.error('a new policy could not be entered', { error: messageOf(error) })
    }
  }
  return {
    async start() {
      before = membership.policyVersion()
      off = membership.events.on('policyChanged', enter)
    },
    async stop() {
      off()
    },
  }
}
