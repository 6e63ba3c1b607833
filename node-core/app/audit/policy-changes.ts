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
 * somewhere else, and each new key of the authority. What is written at this node is entered as the call that wrote it.
 */
export function auditPolicyChanges(
  logger: Logger,
  log: AuditLog,
  membership: Pick<Membership, 'policyVersion' | 'events' | 'holdsAuthority' | 'meshId' | 'authorities'>,
): Lifecycle {
  let before: PolicyVersion | undefined
  let key = ''
  const offs: (() => void)[] = []
  const append = (via: string, operation: string, was: unknown, now: unknown): void => {
    try {
      log.append({
        actor: { kind: 'authority', name: membership.meshId, via, peer: null },
        ...{ role: 'owner', operation, correlation: log.newCorrelation(), input: null },
        ...{ before: auditText(was), after: auditText(now), outcome: 'done', detail: null },
      })
    } catch (error) {
      logger.error('what the authority signed could not be entered', { operation, error: messageOf(error) })
    }
  }
  const enter = (): void => {
    const now = membership.policyVersion()
    const was = before
    before = now
    if (membership.holdsAuthority || now === undefined || now.number === was?.number) return
    append('policy', 'policy.accept', view(was), view(now))
  }
  const enterKey = (number: number): void => {
    const was = key
    key = membership.authorities.current().id
    append('authority', 'authority.replaced', { key: was }, { key, number })
  }
  return {
    async start() {
      before = membership.policyVersion()
      key = membership.authorities.current().id
      offs.push(
        membership.events.on('policyChanged', enter),
        membership.events.on('authorityChanged', ({ number }) => enterKey(number)),
      )
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}
