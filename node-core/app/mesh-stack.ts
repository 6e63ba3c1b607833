import type { PeerId } from '../domain/ids.ts'
import type { LinkState } from '../domain/link.ts'
import type { Knowledge } from '../knowledge/knowledge.ts'
import { createMemberAdmission } from '../mesh/admission/member-admission.ts'
import { createTickets } from '../mesh/admission/tickets.ts'
import { createLanDiscovery, type LanDiscovery } from '../mesh/discovery/lan-discovery.ts'
import { listensOnLan } from '../mesh/discovery/lan-interfaces.ts'
import { createLanWire } from '../mesh/discovery/lan-wire.ts'
import type { FloodSync } from '../mesh/flood/flood.ts'
import { createHost, type Host } from '../mesh/host/host.ts'
import type { PeerStreams } from '../mesh/host/peer-streams.ts'
import { createLinks, type Links } from '../mesh/links/link-manager.ts'
import { createAuthoritySync } from '../mesh/membership/authority-sync.ts'
import { createJoinCarrier } from '../mesh/membership/join-carrier.ts'
import { createMembership, type Membership } from '../mesh/membership/membership.ts'
import { type CertificateRenewal, createRenewal } from '../mesh/membership/renewal.ts'
import { createSync } from '../mesh/membership/sync.ts'
import { createEcho, type Echo } from '../mesh/multihop/echo.ts'
import { createMeshStreams } from '../mesh/multihop/mesh-streams.ts'
import { createRoutedConnections } from '../mesh/multihop/routed-connections.ts'
import { createReach, type Reach } from '../mesh/reach/reach.ts'
import { createRouting, type Routing } from '../mesh/routing/routing.ts'
import { createMeshCarriers } from '../mesh/sessions/mesh-carriers.ts'
import type { SessionPaths } from '../mesh/sessions/ports.ts'
import { createSessions, type Sessions } from '../mesh/sessions/sessions.ts'
import { createMeshNoise, type NoiseHfsParts } from '../noise-hfs/noise-hfs.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import type { MeshAuthority } from '../security/authority.ts'
import type { NodeIdentity } from '../security/identity.ts'
import type { Config } from './config/schema.ts'
import type { MeshFacts } from './mesh-facts.ts'
import { measuredHost } from './telemetry/measured.ts'
import type { SpanLine } from './telemetry/span-line.ts'

export interface MeshStackDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly knowledge: Knowledge
  readonly identity: NodeIdentity
  readonly spans: SpanLine
  /** Only on a node that holds the authority's key. */
  readonly authorityKey: MeshAuthority | undefined
}

export interface MeshStackOptions {
  readonly facts: MeshFacts
  readonly version: string
  readonly config: Config
  readonly listen: readonly string[]
  readonly peers: readonly string[]
  /** This node may not know who was revoked since: see restored.ts. */
  readonly isBehind: () => boolean
  /** A neighbour holds exactly what this node holds. */
  readonly onSame: (peer: PeerId) => void
}

/** The mesh of one node: who belongs to it, and the connections to them. */
export interface MeshStack {
  readonly membership: Membership
  readonly noise: NoiseHfsParts
  readonly host: Host
  readonly links: Links
  readonly routing: Routing
  readonly reach: Reach
  readonly echo: Echo
  /** Byte streams between members over whatever paths there are. */
  readonly sessions: Sessions
  /** To every member that some path leads to. */
  readonly meshStreams: PeerStreams
  readonly sync: FloodSync
  readonly renewal: CertificateRenewal
  /** In the order in which they start. */
  readonly lifecycles: readonly Lifecycle[]
}

export function createMeshStack(deps: MeshStackDeps, options: MeshStackOptions): MeshStack {
  const { clock, random, logger, identity } = deps
  const membership = createMembership(
    {
      ...{ clock, random, logger, identity },
      store: deps.knowledge,
      ...(deps.authorityKey === undefined ? {} : { authorityKey: deps.authorityKey }),
    },
    {
      authority: options.facts.authority,
      meshId: options.facts.meshId,
      version: options.version,
      meshName: options.facts.name,
      certificateLifeMs: options.config.certificates.lifetimeMs,
      renewAt: options.config.certificates.renewAt,
      mayIssue: () => !options.isBehind(),
    },
  )
  const joins = createJoinCarrier({ clock, logger, membership, streams: () => meshStreams })
  const tickets = createTickets({ clock, membership })
  const noise = createMeshNoise({
    admission: createMemberAdmission({ clock, identity, membership, tickets, carry: joins.carry }),
    clock,
    onListenerError: (error) =>
      logger.error('a listener of the handshake failed', { error: messageOf(error) }),
  })
  const host = measuredHost(
    createHost({ clock, logger, identity, membership, noise }, { listen: options.listen }),
    deps.spans,
  )
  const discovery = lanDiscoveryOf(deps, options, { host, membership })
  const links = createLinks(
    {
      ...{ clock, random, logger, host, membership, reached: deps.knowledge.addresses },
      ...(discovery === undefined ? {} : { found: discovery }),
    },
    { ...options.config.links, peers: options.peers },
  )
  const parts = { streams: host, membership, clock, random, logger }
  const routing = createRouting({
    ...{ ...parts, links, key: identity.key, store: deps.knowledge.meta },
    queuedBytes: (peer) => host.connections.of(peer)?.unsentBytes() ?? 0,
  })
  const reach = createReach({ ...parts, addressOf: (peer) => host.connections.of(peer)?.address })
  const routed = createRoutedConnections({
    ...{ clock, logger, host, membership },
    self: membership.self,
    isUp: (peer) => links.links().some((link) => link.peer === peer && isUsable(link.state)),
  })
  const paths: SessionPaths = {
    pathsTo: (peer) => routing.pathsTo(peer),
    onChange: (callback) => routing.events.on('changed', callback),
  }
  const carriers = createMeshCarriers({ streams: host, routed, clock })
  const meshStreams = createMeshStreams({
    neighbours: host,
    carriers,
    paths,
    members: () => membership.members().flatMap(({ peer }) => (peer === membership.self ? [] : [peer])),
  })
  const echo = createEcho({ carriers, paths, clock, random, logger })
  const sessions = createSessions({
    ...{ clock, random, logger, paths, carriers },
    gate: { admits: (peer) => membership.standing(peer) === 'member' },
  })
  const sync = createSync({ ...parts, onSame: options.onSame })
  const authoritySync = createAuthoritySync(parts)
  // An issuer may be several hops away.
  const renewal = createRenewal({ ...parts, streams: meshStreams })
  return {
    ...{ membership, noise, host, links, routing, reach, echo, sessions, meshStreams, sync, renewal },
    lifecycles: [
      membership,
      tickets,
      // Protocols are registered before the first connection can ask for them.
      authoritySync,
      sync,
      renewal,
      joins,
      routing,
      routed,
      echo,
      reach,
      host,
      links,
      ...(discovery === undefined ? [] : [discovery]),
      sessions,
      expelSessions(membership, sessions),
    ],
  }
}

const isUsable = (state: LinkState): boolean => state === 'up' || state === 'degraded'

/** None where the node listens on the loopback alone: nobody on a LAN could reach it, and no packet is sent there. */
function lanDiscoveryOf(
  { clock, random, logger, identity }: MeshStackDeps,
  { config, listen }: MeshStackOptions,
  { host, membership }: Pick<MeshStack, 'host' | 'membership'>,
): LanDiscovery | undefined {
  if (config.discovery.lan === false || !listensOnLan(listen)) return undefined
  return createLanDiscovery(
    {
      ...{ clock, random, logger, identity, membership },
      wire: createLanWire({ logger }),
      listenAddresses: host.listenAddresses,
    },
    // Whoever says where a node is announced does not want it announced elsewhere.
    { announces: config.announce === 'auto' },
  )
}

/** Sessions outlive their connections on purpose, but not the membership of the other end. */
function expelSessions(membership: Membership, sessions: Sessions): Lifecycle {
  let off = (): void => {}
  return {
    async start() {
      off = membership.events.on('expelled', ({ peer }) => sessions.expel(peer))
    },
    async stop() {
      off()
    },
  }
}
