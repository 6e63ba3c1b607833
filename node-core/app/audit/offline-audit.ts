import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { currentUserName } from '../../platform/user.ts'
import type { HybridSecretSeeds } from '../../security/hybrid-key.ts'
import { createIdentity } from '../../security/identity.ts'
import type { MeshFacts } from '../mesh-facts.ts'
import type { OpenHome } from '../open-home.ts'
import { createAuditLog } from './audit-log.ts'

/** A change that is made to a home while its node does not run. Nothing in `input` is secret. */
export interface OfflineChange {
  /** `authority.export` and the like: no operation of the contract. */
  readonly operation: string
  readonly input: Readonly<Record<string, string | number | boolean>>
}

/**
 * Makes a change, and enters it in the audit log of the home, signed by its node: before it begins, so that one that breaks off
 * leaves its trace, and when it is over, whichever way. A log that cannot be written stops the change.
 *
 * @throws what `act` throws, or a STORE_... fault
 */
export async function enteredOffline<T>(
  deps: { readonly clock: Clock; readonly random: Random },
  home: Pick<OpenHome, 'knowledge'>,
  who: { readonly facts: Pick<MeshFacts, 'meshId' | 'nodeName'>; readonly node: HybridSecretSeeds },
  { operation, input }: OfflineChange,
  act: () => Promise<T>,
): Promise<T> {
  const identity = createIdentity(who.node)
  const { meshId, nodeName } = who.facts
  const log = createAuditLog(
    { ...deps, logger: silentLogger, knowledge: home.knowledge, identity },
    { meshId, nodeName },
  )
  await log.start()
  try {
    const entry = log.begin({
      actor: { kind: 'person', name: currentUserName(), via: 'offline', peer: null },
      ...{ role: 'owner', operation, correlation: log.newCorrelation() },
      ...{ input: JSON.stringify(input), before: null },
    })
    try {
      const done = await act()
      entry.end({ after: null, outcome: 'done', detail: null })
      return done
    } catch (error) {
      const detail = error instanceof FaultError ? error.code : messageOf(error).slice(0, 200)
      entry.end({ after: null, outcome: 'failed', detail })
      throw error
    }
  } finally {
    await log.stop()
    identity.wipe()
  }
}
