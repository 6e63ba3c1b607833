import type { NodeName, PeerId, ServiceName } from '../../node-core/domain/ids.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import type { LogFields, Logger } from '../../node-core/platform/logger.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import type {
  AnnouncedService,
  ForwardRow,
  PolicyGate,
  Provider,
  ServiceRow,
  ServiceStore,
  Verdict,
} from '../../node-core/services/ports.ts'
import { createServices, type Services, type ServicesOptions } from '../../node-core/services/services.ts'
import type { FlowNetwork } from './flow-networks.ts'

/** A node of a test mesh: real services over the network's flows; what they need from a node is played here. */
export interface MeshNode {
  readonly name: NodeName
  readonly peer: PeerId
  readonly services: Services
  readonly log: readonly LogLine[]
  readonly store: ServiceStore
  announced: readonly AnnouncedService[]
  ownPorts: number[]
}

export interface LogLine extends LogFields {
  readonly level: string
  readonly message: string
}

/** What the mesh believes; tests change it while nodes run. */
export interface MeshRules {
  standing: (peer: PeerId) => 'member' | 'expired' | 'revoked' | 'unknown'
  mayUse: (consumer: PeerId, provider: PeerId, service: ServiceName) => Verdict
  mayProvide: (provider: PeerId, service: ServiceName) => Verdict
}

export interface ServiceMesh {
  readonly rules: MeshRules
  readonly nodes: readonly MeshNode[]
  /** Healthy, reachable providers without a node behind them. */
  readonly phantoms: Pick<Provider, 'service' | 'peer' | 'node'>[]
  /** Starts a node; with `store`, one that has run before. */
  add(name: string, options?: Partial<ServicesOptions>, store?: ServiceStore): Promise<MeshNode>
  stop(): Promise<void>
}

/** Short times, so that tests wait little. */
const QUICK: Partial<ServicesOptions> = {
  checkIntervalMs: 40,
  recheckMs: 20,
  checkTimeoutMs: 1_000,
  connectTimeoutMs: 1_000,
  attemptTimeoutMs: 2_000,
  totalTimeoutMs: 5_000,
}

export function createServiceMesh(network: FlowNetwork): ServiceMesh {
  const nodes: MeshNode[] = []
  const phantoms: Pick<Provider, 'service' | 'peer' | 'node'>[] = []
  const allow: Verdict = { allow: true, rule: 'test' }
  const rules: MeshRules = {
    standing: () => 'member',
    mayUse: () => allow,
    mayProvide: () => allow,
  }
  return {
    rules,
    nodes,
    phantoms,
    async add(name, options = {}, store = createMemoryServiceStore()) {
      const { peer, transport } = await network.join()
      const log: LogLine[] = []
      const providers = (): Provider[] => [
        ...phantoms.map((phantom) => ({ ...phantom, healthy: true, reachable: true })),
        ...nodes
          .filter((other) => other.peer !== peer)
          .flatMap((other) =>
            other.announced.map(({ name: service, healthy }) => ({
              service,
              peer: other.peer,
              node: other.name,
              healthy,
              reachable: network.isConnected(peer, other.peer),
            })),
          ),
      ]
      const policy: PolicyGate = {
        standing: (of) => rules.standing(of),
        mayUse: (consumer, service) => rules.mayUse(consumer, peer, service),
        mayProvide: (provider, service) => rules.mayProvide(provider, service),
      }
      const services = createServices(
        {
          clock: systemClock,
          random: systemRandom,
          logger: recordingLogger(log),
          flows: transport,
          directory: {
            self: { peer, node: name as NodeName },
            providers,
            resolve: (ref) =>
              nodes.find((other) => other.name === ref)?.peer ??
              [...nodes, ...phantoms].find((other) => other.peer === ref)?.peer,
          },
          policy,
          announcer: {
            publish(list) {
              node.announced = list
            },
          },
          store,
          ownPorts: { ports: () => node.ownPorts },
        },
        { ...QUICK, ...options },
      )
      const node: MeshNode = {
        name: name as NodeName,
        peer,
        services,
        log,
        store,
        announced: [],
        ownPorts: [],
      }
      nodes.push(node)
      await services.start()
      return node
    },
    async stop() {
      await Promise.all(nodes.map(({ services }) => services.stop()))
      await network.stop()
    },
  }
}

function createMemoryServiceStore(): ServiceStore {
  const services = new Map<ServiceName, ServiceRow>()
  const forwards = new Map<number, ForwardRow>()
  const socks = new Set<number>()
  return {
    services: {
      list: () => [...services.values()].sort((left, right) => left.name.localeCompare(right.name)),
      put: (row) => void services.set(row.name, row),
      remove: (name) => services.delete(name),
    },
    forwards: {
      list: () => [...forwards.values()].sort((left, right) => left.port - right.port),
      put: (row) => void forwards.set(row.port, row),
      remove: (port) => forwards.delete(port),
    },
    socks: {
      list: () => [...socks].sort((left, right) => left - right),
      put: (port) => void socks.add(port),
      remove: (port) => socks.delete(port),
    },
  }
}

function recordingLogger(lines: LogLine[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ ...fields, level, message })
  const logger: Logger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return logger
}
