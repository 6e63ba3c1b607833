import type { Duplex } from 'node:stream'
import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { messageOf } from '../platform/error.ts'
import type { Lifecycle } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Random } from '../platform/random.ts'
import { withTimeout } from '../platform/wait.ts'
import { type Connector, createConnector } from './connector.ts'
import {
  createExposedServices,
  type ExposedService,
  type ExposedServices,
  type ExposeRequest,
} from './expose.ts'
import { createFlowLedger, type FlowLedger, type FlowView, type Tally } from './flow-ledger.ts'
import { createFlowPair } from './flow-pair.ts'
import {
  alreadyForwarded,
  createForwards,
  type ForwardRequest,
  type Forwards,
  type ForwardView,
} from './forward.ts'
import { type CheckTime, HEALTH_DEFAULTS } from './health-monitor.ts'
import { createInbound, denialOf, type Inbound } from './inbound.ts'
import { createLogThrottle } from './log-throttle.ts'
import type {
  FlowTransport,
  OwnPorts,
  PolicyGate,
  Provider,
  ProviderDirectory,
  ServiceAnnouncer,
  ServiceStore,
} from './ports.ts'
import { providingDenial } from './provider-choice.ts'
import { flowReset } from './service-fault.ts'
import { alreadySocks, createSocksPorts, type SocksPorts, type SocksView } from './socks.ts'
import { createTargetDialer, formatTarget } from './target.ts'

export interface ServicesDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly flows: FlowTransport
  readonly directory: ProviderDirectory
  readonly policy: PolicyGate
  readonly announcer: ServiceAnnouncer
  readonly store: ServiceStore
  readonly ownPorts: OwnPorts
}

/** All in milliseconds, or counts. */
export interface ServicesOptions {
  /** Between checks of a service whose health does not change. */
  readonly checkIntervalMs: number
  /** Between checks of one that is unhealthy or about to change. */
  readonly recheckMs: number
  readonly checkTimeoutMs: number
  /** Results in a row that it takes to change the health of a service. */
  readonly changeAfter: number
  /** For a consumer, or a SOCKS5 client, to say what it wants. */
  readonly headerTimeoutMs: number
  /** For a target to take a connection. */
  readonly connectTimeoutMs: number
  /** For one provider to answer; more than `connectTimeoutMs`, or its own reason never arrives. */
  readonly attemptTimeoutMs: number
  /** For all providers that are tried for one client. */
  readonly totalTimeoutMs: number
  /** How long a provider that failed is tried last. */
  readonly restMs: number
  /** Flows at once, for the clients of this node and for its services each. */
  readonly maxFlows: number
  readonly maxFlowsPerPeer: number
}

const SERVICES_DEFAULTS: ServicesOptions = {
  checkIntervalMs: HEALTH_DEFAULTS.intervalMs,
  recheckMs: HEALTH_DEFAULTS.recheckMs,
  checkTimeoutMs: 3_000,
  changeAfter: HEALTH_DEFAULTS.changeAfter,
  headerTimeoutMs: 5_000,
  connectTimeoutMs: 5_000,
  attemptTimeoutMs: 7_000,
  totalTimeoutMs: 20_000,
  restMs: 5_000,
  maxFlows: 1_024,
  maxFlowsPerPeer: 512,
}

/** Changes within this time are announced together. */
const ANNOUNCE_DELAY_MS = 50
const SAME_LINE_MS = 10_000
/** For sockets and flows to close once they are reset. */
const DRAIN_LIMIT_MS = 5_000

/** One service at one node. */
export interface ServiceView {
  readonly name: ServiceName
  readonly peer: PeerId
  readonly node: NodeName
  readonly local: boolean
  /** Known for local services alone, like `check` and `tally`. */
  readonly target: string | undefined
  readonly check: string | undefined
  readonly state: 'healthy' | 'unhealthy' | 'unknown'
  /** Why it is not healthy, or why nobody may use it. */
  readonly detail: string | undefined
  readonly tally: Readonly<Tally> | undefined
  /** How long its last check took, if that succeeded; known for local services alone. */
  readonly checked?: CheckTime | undefined
}

/** The services of a node: what it provides, and the local ports that lead to what others provide. */
export interface Services extends Lifecycle {
  /** @throws FaultError as `ExposedServices.expose` */
  expose(request: ExposeRequest): Promise<ServiceView>
  /** Ends the flows of the service too. @throws FaultError SERVICE_NOT_FOUND */
  unexpose(name: ServiceName): void
  /** @throws FaultError SOCKS_EXISTS, and as `Forwards.add` */
  forward(request: ForwardRequest): Promise<ForwardView>
  /** Ends the flows of the forward too. @throws FaultError FORWARD_NOT_FOUND */
  unforward(port: number): ForwardView
  /** Listens anew, with every client reset. @throws FaultError FORWARD_NOT_FOUND */
  restartForward(port: number): Promise<ForwardView>
  /**
   * Goes to other providers of a service for a while, and resets the flows to this one, so that clients come back to
   * another. Undefined when it is avoided already and no flow goes to it.
   */
  avoidProvider(name: ServiceName, peer: PeerId, forMs: number): { readonly reset: number } | undefined
  /** Opens a flow to a service as a client would, and closes it: whether it can be used from here now, and at whom. */
  probe(name: ServiceName, signal: AbortSignal): Promise<ServiceProbe>
  /** Serves SOCKS5 for names in `.mesh` on a port of the loopback. @throws FaultError FORWARD_EXISTS, and as `SocksPorts.add` */
  socks(port: number): Promise<SocksView>
  /** Ends its flows too. @throws FaultError SOCKS_NOT_FOUND */
  unsocks(port: number): SocksView
  /** Services of all members, this node's first. */
  services(): readonly ServiceView[]
  forwards(): readonly ForwardView[]
  socksPorts(): readonly SocksView[]
  /** Flows that are open now. */
  flows(): readonly FlowView[]
  /** To be called when the policy or a membership changed: resets the flows that are no longer allowed. */
  recheck(): void
}

/** `peer` is the provider that took the flow. */
export type ServiceProbe =
  | { readonly ok: true; readonly peer: PeerId; readonly ms: number }
  | { readonly ok: false; readonly reason: string }

interface Parts {
  readonly connector: Connector
  readonly ledger: FlowLedger
  readonly exposed: ExposedServices
  readonly forwards: Forwards
  readonly socks: SocksPorts
  readonly inbound: Inbound
}

export function createServices(deps: ServicesDeps, overrides: Partial<ServicesOptions> = {}): Services {
  const options = { ...SERVICES_DEFAULTS, ...overrides }
  const announce = createAnnounce(deps, () => parts.exposed)
  const parts = compose(deps, options, announce.soon)
  const { ledger, exposed, forwards, socks, inbound } = parts
  let isRunning = false
  let isHandling = false

  const onFlow = (flow: Duplex, peer: PeerId): void => {
    if (isRunning) {
      inbound.accept(flow, peer)
      return
    }
    flow.on('error', () => {})
    flow.destroy(flowReset(peer, 'the node is stopping'))
  }
  return {
    async start() {
      if (isRunning) return
      isRunning = true
      exposed.start()
      if (!isHandling) await deps.flows.handle(onFlow)
      isHandling = true
      await Promise.all([forwards.start(), socks.start()])
      announce.soon()
    },
    async stop() {
      isRunning = false
      announce.stop()
      forwards.stop()
      socks.stop()
      exposed.stop()
      ledger.resetWhere(() => 'the node is stopping')
      await withTimeout(deps.clock, DRAIN_LIMIT_MS, 'ending all flows', () => ledger.drained())
    },
    async expose(request) {
      return localView(deps, await exposed.expose(request))
    },
    unexpose(name) {
      exposed.unexpose(name)
      ledger.resetWhere((flow) =>
        flow?.side === 'provide' && flow.service === name ? 'the service is no longer exposed' : undefined,
      )
    },
    async forward(request) {
      if (socks.list().some(({ port }) => port === request.port)) throw alreadySocks(request.port)
      return forwards.add(request)
    },
    unforward: (port) => forwards.remove(port),
    restartForward: (port) => forwards.restart(port),
    avoidProvider: (name, peer, forMs) => avoidProvider(parts, name, peer, forMs),
    probe: (name, signal) => probeService(deps.clock, parts.connector, name, signal),
    async socks(port) {
      const forward = forwards.list().find((other) => other.port === port)
      if (forward !== undefined) throw alreadyForwarded(forward)
      return socks.add(port)
    },
    unsocks: (port) => socks.remove(port),
    services: () => [
      ...exposed.list().map((service) => localView(deps, service)),
      ...deps.directory.providers().map((provider) => remoteView(deps.policy, provider)),
    ],
    forwards: () => forwards.list(),
    socksPorts: () => socks.list(),
    flows: () => ledger.flows(),
    recheck: () =>
      ledger.resetWhere((flow) => (flow === undefined ? undefined : recheckFlow(deps.policy, flow))),
  }
}

function avoidProvider(
  { connector, ledger }: Parts,
  name: ServiceName,
  peer: PeerId,
  forMs: number,
): { readonly reset: number } | undefined {
  const isNew = connector.rest(peer, name, forMs)
  let reset = 0
  ledger.resetWhere((flow) => {
    if (flow?.side !== 'use' || flow.service !== name || flow.peer !== peer) return undefined
    reset += 1
    return 'another provider is taken'
  })
  return isNew || reset > 0 ? { reset } : undefined
}

async function probeService(
  clock: Clock,
  connector: Connector,
  service: ServiceName,
  signal: AbortSignal,
): Promise<ServiceProbe> {
  const startedMs = clock.monotonicMs()
  const outcome = await connector.connect({ service }, signal)
  if (outcome.kind === 'failed') return { ok: false, reason: outcome.reason }
  outcome.flow.destroy()
  return { ok: true, peer: outcome.peer, ms: clock.monotonicMs() - startedMs }
}

function compose(deps: ServicesDeps, options: ServicesOptions, onChange: () => void): Parts {
  const { clock, random, logger, policy, directory, store } = deps
  const throttle = createLogThrottle(clock, SAME_LINE_MS)
  const dialer = createTargetDialer({ clock, ownPorts: deps.ownPorts })
  const ledger = createFlowLedger({ clock }, options)
  const exposed = createExposedServices(
    { clock, random, logger, dialer, store: store.services, onChange },
    { ...options, intervalMs: options.checkIntervalMs },
  )
  const inbound = createInbound(
    { clock, logger, throttle, ledger, policy, dialer, find: exposed.find },
    options,
  )
  const { self } = directory
  const connector: Connector = createConnector(
    {
      clock,
      random,
      directory,
      policy,
      providers: () => [
        ...exposed.announced().map((own) => ownProvider(self, own)),
        ...directory.providers(),
      ],
      open(peer, signal) {
        if (peer !== self.peer) return deps.flows.open(peer, signal)
        const [near, far] = createFlowPair()
        inbound.accept(far, self.peer)
        return Promise.resolve(near)
      },
    },
    options,
  )
  const shared = { clock, random, logger, throttle, ledger, connector }
  const forwards = createForwards({ ...shared, store: store.forwards })
  const socks = createSocksPorts({ ...shared, store: store.socks }, options)
  return { connector, ledger, exposed, forwards, socks, inbound }
}

/** This node is as near as a provider can be. */
const ownProvider = (
  self: ProviderDirectory['self'],
  own: { readonly name: ServiceName; readonly healthy: boolean },
): Provider => ({ service: own.name, ...self, healthy: own.healthy, reachable: true, rttMs: 0 })

/** Why an open flow may not go on, if so. The using side judges the provider, the providing side the consumer. */
function recheckFlow(policy: PolicyGate, flow: FlowView): string | undefined {
  if (flow.side === 'provide') return denialOf(policy, flow.peer, flow.service)
  const standing = policy.standing(flow.peer)
  if (standing !== 'member') return `the provider is no member in good standing (${standing})`
  return providingDenial(policy.mayProvide(flow.peer, flow.service))
}

/** Publishes soon after a change, and once for many. */
function createAnnounce(
  { clock, announcer, logger }: ServicesDeps,
  exposed: () => ExposedServices,
): { soon(): void; stop(): void } {
  let cancel: (() => void) | undefined
  const publish = async (): Promise<void> => {
    cancel = undefined
    try {
      await announcer.publish(exposed().announced())
    } catch (error) {
      logger.error('the services could not be announced', { reason: messageOf(error) })
    }
  }
  return {
    soon() {
      cancel ??= clock.after(ANNOUNCE_DELAY_MS, () => void publish())
    },
    stop() {
      cancel?.()
      cancel = undefined
    },
  }
}

function localView({ directory, policy }: ServicesDeps, service: ExposedService): ServiceView {
  const { self } = directory
  const { health } = service
  const denial = providingDenial(policy.mayProvide(self.peer, service.name))
  return {
    name: service.name,
    ...self,
    local: true,
    target: formatTarget(service.target),
    check: service.check,
    state: health.kind,
    detail: health.kind === 'unhealthy' ? health.reason : (denial ?? service.tally.lastError),
    tally: { ...service.tally },
    checked: service.checked,
  }
}

function remoteView(policy: PolicyGate, provider: Provider): ServiceView {
  const { service, peer, node, healthy, reachable } = provider
  const state = reachable ? (healthy ? 'healthy' : 'unhealthy') : 'unknown'
  const reason = reachable ? (healthy ? undefined : 'its own check says so') : 'the node is not reachable'
  return {
    name: service,
    peer,
    node,
    local: false,
    target: undefined,
    check: undefined,
    state,
    detail: providingDenial(policy.mayProvide(peer, service)) ?? reason,
    tally: undefined,
  }
}
