import { nodeRefSchema } from '../contract/schemas.ts'
import { PRODUCT_VERSION } from '../contract/version.ts'
import { createRemoteCaller } from '../control/remote/remote-caller.ts'
import { createRemoteServer } from '../control/remote/remote-server.ts'
import { createRouter } from '../control/router.ts'
import { createControlServer } from '../control/socket-server.ts'
import type { MeshId } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import { ensureSocketDirectory } from '../platform/home.ts'
import { type Lifecycle, startAll, stopAll } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import { createAuthority, type MeshAuthority } from '../security/authority.ts'
import { createIdentity, type NodeIdentity } from '../security/identity.ts'
import { type KeystoreKind, wipeSecrets } from '../security/keystore.ts'
import { createServices } from '../services/services.ts'
import { createAlerts } from './alerts/alerts.ts'
import { createNodeApi } from './api/node-api.ts'
import { requireNode } from './api/resolve-node.ts'
import { createNodeAudit } from './audit/node-audit.ts'
import { createConfigStore, recoverParts, recoverSettingsFile } from './config/config-store.ts'
import { createConfiguredParts } from './config/configured-parts.ts'
import { createKeystoreExport } from './config/keystore-export.ts'
import type { Config } from './config/schema.ts'
import type { WebConsole } from './console/web-console.ts'
import { createHealthBoard } from './health-board.ts'
import { watchNodeHealth } from './health-watch.ts'
import { createHistory } from './history/history.ts'
import { createNodeSeries } from './history/node-series.ts'
import { keepPorts, listenAddresses } from './listen-ports.ts'
import type { Log } from './logging/log.ts'
import type { LogLevelControl } from './logging/log-level.ts'
import { createHeal } from './mapek/heal.ts'
import { createMonitoring } from './mapek/monitoring.ts'
import { loadMeshFacts, type MeshFacts, noMesh } from './mesh-facts.ts'
import { createMeshStack, type MeshStack } from './mesh-stack.ts'
import { createMetrics } from './metrics/metrics.ts'
import type { NodeParts } from './node-parts.ts'
import { type OpenHome, openSecrets } from './open-home.ts'
import { createControlMembers, createControlStreams } from './remote-control.ts'
import { createCatchingUp } from './restored.ts'
import { createAnnouncements, createServicePorts } from './service-ports.ts'
import type { PracticeLab } from './setup/practice-lab.ts'
import { setupOperationsOfNode } from './setup/setup-operations.ts'
import { measuredFlows } from './telemetry/measured.ts'
import { createSpanLine } from './telemetry/span-line.ts'

export interface NodeDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface NodeOptions {
  readonly config: Config
  /** In place of the addresses in the config. */
  readonly listen: readonly string[] | undefined
  /** Besides the peers in the config. */
  readonly peers: readonly string[]
  readonly passphrase: string | undefined
  /** Made by whoever makes the process: it outlives the step from no mesh to a node in one. */
  readonly webConsole: WebConsole
  readonly lab: PracticeLab
  readonly logLevel: LogLevelControl
  /** Whose lines a collector may be to get. */
  readonly log: Pick<Log, 'follow'>
  /** Asked for by a person or a program: the node is to end, and to forget its membership if `leave`. */
  readonly onStopRequest: (request: { readonly reason: string; readonly leave: boolean }) => void
}

export interface RunningNode {
  readonly parts: NodeParts
  stop(): Promise<readonly unknown[]>
}

/**
 * Starts the node of a home: opens its keystore, composes it from its parts and starts them in order. Fails with
 * nothing left running.
 *
 * @throws FaultError NO_MESH, KEYSTORE_..., LISTEN_FAILED, CONTROL_...
 */
export async function startNode(deps: NodeDeps, home: OpenHome, options: NodeOptions): Promise<RunningNode> {
  const facts = loadMeshFacts(home.knowledge.meta)
  if (facts === undefined || (await home.keystore.kind()) === undefined) throw noMesh(home.paths.root)
  const keys = await openKeys(home, options.passphrase, facts.meshId)
  try {
    return await startWithKeys(deps, home, options, facts, keys)
  } catch (error) {
    keys.wipe()
    throw error
  }
}

interface NodeKeys {
  readonly identity: NodeIdentity
  readonly authority: MeshAuthority | undefined
  readonly kind: KeystoreKind
  wipe(): void
}

async function openKeys(home: OpenHome, passphrase: string | undefined, meshId: MeshId): Promise<NodeKeys> {
  const { secrets, kind } = await openSecrets(home.keystore, passphrase)
  try {
    const identity = createIdentity(secrets.node)
    const authority = secrets.authority && createAuthority(secrets.authority, meshId)
    return {
      ...{ identity, authority, kind },
      wipe() {
        identity.wipe()
        authority?.wipe()
      },
    }
  } finally {
    wipeSecrets(secrets)
  }
}

async function startWithKeys(
  deps: NodeDeps,
  home: OpenHome,
  options: NodeOptions,
  facts: MeshFacts,
  keys: NodeKeys,
): Promise<RunningNode> {
  const wanted = options.listen ?? options.config.listen
  const health = createHealthBoard()
  const spans = createSpanLine(deps)
  const catchingUp = createCatchingUp({
    ...{ logger: deps.logger, meta: home.knowledge.meta, health },
    onCaughtUp: () => services.recheck(),
  })
  const stack = createMeshStack(
    { ...deps, spans, knowledge: home.knowledge, identity: keys.identity, authorityKey: keys.authority },
    {
      facts,
      version: PRODUCT_VERSION,
      config: options.config,
      listen: listenAddresses(home.knowledge.meta, wanted),
      peers: [...options.peers, ...options.config.peers, ...facts.bootstrap],
      isBehind: () => catchingUp.isBehind,
      onSame: catchingUp.caughtUp,
    },
  )
  if (home.setAside !== undefined) {
    health.raise({
      code: 'store-set-aside',
      severity: 'critical',
      title: `The store was damaged and a new one was begun: membership is whole, incidents, invites and what was learned are not in it. The old one is ${home.setAside}.`,
      impactsConnectivity: false,
    })
  }
  const { announce } = options.config
  const announced = announce === 'auto' ? stack.host.advertisedAddresses : () => announce
  const announcements = createAnnouncements(stack.membership, announced)
  const services = createServices({
    ...deps,
    ...createServicePorts(stack, home.knowledge, facts.nodeName, () => catchingUp.isBehind),
    flows: measuredFlows(stack.sessions, spans, (peer) => stack.membership.certificateOf(peer)?.name ?? peer),
    announcer: announcements,
  })
  const configured = createConfiguredParts(services)
  const interrupted = recoverSettingsFile(home.knowledge.configVersions, home.paths.config)
  const series = createNodeSeries(deps, home.paths.series, options.config.knowledge)
  const monitoring = createMonitoring(
    { ...deps, ...stack, services, series, knowledge: home.knowledge },
    { home: home.paths.root },
  )
  const audit = createNodeAudit(
    { ...deps, stack, health, spans, knowledge: home.knowledge, identity: keys.identity },
    facts,
  )
  const heal = createHeal(
    {
      ...{ ...deps, stack, services, knowledge: home.knowledge, identity: keys.identity },
      ...{ book: monitoring.incidents, audit: audit.actions },
    },
    { root: home.paths.root, settings: options.config.heal },
  )
  const alerts = createAlerts(
    {
      ...{ ...deps, health },
      feed: {
        ...{ incidents: monitoring.incidents, plans: heal.loop.events },
        who: () => ({
          node: stack.membership.certificateOf(stack.membership.self)?.name ?? facts.nodeName,
          mesh: facts.name,
        }),
      },
    },
    { root: home.paths.root, channels: options.config.alerts },
  )
  const parts: NodeParts = {
    ...{ incidents: monitoring.incidents, heal, alerts },
    ...{ ...deps, facts, services, health, knowledge: home.knowledge },
    series,
    sloTargets: options.config.slo,
    ...{ membership: stack.membership, host: stack.host, links: stack.links },
    ...{ routing: stack.routing, reach: stack.reach, echo: stack.echo, announcedAddresses: announced },
    // Whoever is invited has to find the node, also when the members are not to be told where it is.
    inviteAddresses: () => (announced().length === 0 ? stack.host.advertisedAddresses() : announced()),
    keystore: keys.kind,
    ...{ webConsole: options.webConsole, logLevel: options.logLevel },
    setup: setupOperationsOfNode(options, home),
    config: createConfigStore(
      { ...deps, versions: home.knowledge.configVersions, parts: configured },
      { path: home.paths.config },
    ),
    keystoreExport: createKeystoreExport(deps, home),
    auditExchange: audit.exchange,
    startedAt: deps.clock.now(),
    requestStop: (reason) => options.onStopRequest({ reason, leave: false }),
    requestLeave: () => options.onStopRequest({ reason: 'asked to by x0t leave', leave: true }),
  }
  ensureSocketDirectory(home.paths)
  const api = audit.around(createNodeApi(parts), parts)
  const streams = createControlStreams(stack.meshStreams)
  const remote = createRemoteCaller({
    ...{ ...deps, streams, identity: keys.identity },
    resolve: (node) => requireNode(parts, nodeRefSchema.parse(node)),
  })
  const control = createControlServer(
    { api, remote, logger: deps.logger, clock: deps.clock },
    { path: home.paths.socket },
  )
  const remoteServer = createRemoteServer({
    ...{ ...deps, streams, members: createControlMembers(stack.membership) },
    router: createRouter({ ...deps, api }),
  })
  const lifecycles: Lifecycle[] = [
    // The log is open before anything can change.
    audit.log,
    audit.exchange,
    ...stack.lifecycles,
    catchingUp.following(stack.membership),
    ...audit.lifecycles,
    followMesh(
      stack,
      () => keepPorts(home.knowledge.meta, stack.host, wanted),
      announcements.addressesChanged,
    ),
    services,
    recoverParts(deps.logger, configured, interrupted),
    watchNodeHealth(parts, stack.noise),
    // It hears of what the others find from their start on.
    alerts,
    monitoring,
    parts.series,
    createHistory(parts, monitoring.resources),
    flowRecheck(stack, services.recheck),
    ...heal.lifecycles,
    control,
    createMetrics(parts, { spans, handshakes: stack.noise.events, log: options.log }, options.config.metrics),
    remoteServer,
    options.webConsole.serving(api, remote),
    options.webConsole,
  ]
  await startAll(lifecycles)
  return {
    parts,
    async stop() {
      const failures = await stopAll(lifecycles)
      keys.wipe()
      for (const error of failures)
        deps.logger.error('a part did not stop cleanly', { error: messageOf(error) })
      return failures
    },
  }
}

/** Once the host listens: keeps its ports, says where it can be reached, and says so again when that changes. */
function followMesh(stack: MeshStack, keep: () => void, announce: () => void): Lifecycle {
  const offs: (() => void)[] = []
  return {
    async start() {
      keep()
      announce()
      offs.push(
        stack.links.events.on('addressesChanged', announce),
        stack.membership.events.on('policyChanged', announce),
        // The others close their ends when the own certificate ends; this node does not wait for them.
        stack.membership.events.on('expelled', ({ peer, reason }) => {
          if (peer !== stack.membership.self) return
          for (const other of stack.host.peers()) stack.host.drop(other, `this node is ${reason}`)
        }),
      )
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}

/** A revocation or a new policy takes effect on flows that are open already. */
function flowRecheck({ membership }: MeshStack, recheck: () => void): Lifecycle {
  const offs: (() => void)[] = []
  return {
    async start() {
      offs.push(
        membership.events.on('policyChanged', recheck),
        membership.events.on('expelled', recheck),
        membership.events.on('memberChanged', recheck),
      )
    },
    async stop() {
      for (const off of offs.splice(0)) off()
    },
  }
}
