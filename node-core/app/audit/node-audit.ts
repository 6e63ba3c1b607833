import type { NodeApi } from '../../control/node-api.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import { type AuditExchange, createAuditExchange } from '../../mesh/audit/audit-exchange.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { NodeIdentity } from '../../security/identity.ts'
import type { HealthBoard } from '../health-board.ts'
import type { MeshFacts } from '../mesh-facts.ts'
import type { MeshStack } from '../mesh-stack.ts'
import type { NodeParts } from '../node-parts.ts'
import type { SpanLine } from '../telemetry/span-line.ts'
import { type AuditLog, createAuditLog } from './audit-log.ts'
import { createAuditShelf } from './audit-shelf.ts'
import { type ActionAudit, createActionAudit } from './audited-actions.ts'
import { auditedApi } from './audited-api.ts'
import { createCoHolding } from './co-holding.ts'
import { auditPolicyChanges } from './policy-changes.ts'
import { SNAPSHOTS } from './snapshots.ts'

export interface NodeAuditDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly knowledge: Knowledge
  readonly identity: NodeIdentity
  readonly stack: Pick<MeshStack, 'membership' | 'host' | 'meshStreams'>
  readonly health: HealthBoard
  readonly spans: SpanLine
}

/** The audit log of a node with all that feeds it and all that vouches for it. */
export interface NodeAudit {
  /** Starts before anything can change. */
  readonly log: AuditLog
  /** Starts before the first connection can ask for it. */
  readonly exchange: AuditExchange
  readonly actions: ActionAudit
  around(api: NodeApi, parts: NodeParts): NodeApi
  /** In the order in which they start, after the mesh. */
  readonly lifecycles: readonly Lifecycle[]
}

export function createNodeAudit(deps: NodeAuditDeps, facts: Pick<MeshFacts, 'nodeName'>): NodeAudit {
  const { clock, logger, knowledge, health } = deps
  const { membership, host, meshStreams } = deps.stack
  const log = createAuditLog(deps, { meshId: membership.meshId, nodeName: facts.nodeName })
  const onConflict = (peer: PeerId, seq: number): void => {
    const name = membership.certificateOf(peer)?.name ?? peer
    logger.error('a node has signed two audit logs', { peer, seq })
    health.raise({
      ...{ code: `audit-forked.${name}`, severity: 'critical', impactsConnectivity: false },
      title: `${name} has signed two different audit logs from entry ${seq} on: somebody else may have its key. See x0t audit verify ${name}; if you cannot explain it, x0t revoke ${name}.`,
    })
  }
  const exchange = createAuditExchange({
    ...{ clock, logger, streams: meshStreams },
    shelf: createAuditShelf({ clock, knowledge, membership, onConflict }),
  })
  return {
    ...{ log, exchange, actions: createActionAudit(log, membership) },
    around: (api, parts) =>
      auditedApi(
        api,
        {
          ...{ logger, spans: deps.spans },
          lookAt: (operation, input) => SNAPSHOTS[operation]?.of?.(parts, input),
          nameOf: (peer) => membership.certificateOf(peer)?.name,
          incidentOf: (plan) => knowledge.plans.get(plan)?.incident,
        },
        log,
      ),
    lifecycles: [
      createCoHolding({ clock, logger, log, exchange, neighbours: host }),
      auditPolicyChanges(logger, log, membership),
    ],
  }
}
