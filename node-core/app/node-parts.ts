import type { NodeApi } from '../control/node-api.ts'
import type { SloTargets } from '../domain/slo.ts'
import type { Knowledge } from '../knowledge/knowledge.ts'
import type { SeriesStore } from '../knowledge/series/series-store.ts'
import type { IncidentBook } from '../mapek/incidents/incident-book.ts'
import type { AuditExchange } from '../mesh/audit/audit-exchange.ts'
import type { Host } from '../mesh/host/host.ts'
import type { Links } from '../mesh/links/link-manager.ts'
import type { Membership } from '../mesh/membership/membership.ts'
import type { Echo } from '../mesh/multihop/echo.ts'
import type { Reach } from '../mesh/reach/reach.ts'
import type { Routing } from '../mesh/routing/routing.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { KeystoreKind } from '../security/keystore.ts'
import type { Services } from '../services/services.ts'
import type { Alerts } from './alerts/alerts.ts'
import type { ConfigStore } from './config/config-store.ts'
import type { KeystoreExport } from './config/keystore-export.ts'
import type { WebConsole } from './console/web-console.ts'
import type { HealthBoard } from './health-board.ts'
import type { LogLevelControl } from './logging/log-level.ts'
import type { Heal } from './mapek/heal.ts'
import type { MeshFacts } from './mesh-facts.ts'

/** The parts of a running node that its API reads and steers. */
export interface NodeParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly facts: MeshFacts
  readonly keystore: KeystoreKind
  readonly startedAt: number
  readonly knowledge: Knowledge
  readonly series: SeriesStore
  readonly sloTargets: SloTargets
  readonly membership: Membership
  readonly host: Host
  readonly links: Links
  readonly routing: Routing
  readonly reach: Reach
  readonly echo: Echo
  readonly services: Services
  readonly health: HealthBoard
  readonly incidents: IncidentBook
  readonly alerts: Alerts
  readonly logLevel: LogLevelControl
  readonly webConsole: WebConsole
  readonly setup: NodeApi['setup']
  readonly config: ConfigStore
  readonly keystoreExport: KeystoreExport
  readonly auditExchange: AuditExchange
  readonly heal: Heal
  /** What other members are told, without the PeerId. */
  readonly announcedAddresses: () => readonly string[]
  /** Where an invite says that this node is, without its PeerId. */
  readonly inviteAddresses: () => readonly string[]
  /** Ends the node after the answer is out. */
  readonly requestStop: (reason: string) => void
  /** Makes the home belong to no mesh, once the node has stopped. */
  readonly requestLeave: () => void
}
