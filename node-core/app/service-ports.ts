import type { NodeName } from '../domain/ids.ts'
import type { Knowledge } from '../knowledge/knowledge.ts'
import type { Host } from '../mesh/host/host.ts'
import type { Membership } from '../mesh/membership/membership.ts'
import type { Routing } from '../mesh/routing/routing.ts'
import { evaluatePolicy } from '../security/policy.ts'
import type {
  OwnPorts,
  PolicyGate,
  Provider,
  ProviderDirectory,
  ServiceAnnouncer,
  ServiceStore,
  Verdict,
} from '../services/ports.ts'
import { findNode } from './api/resolve-node.ts'

/** What services need, fitted to the mesh and the store. */
export interface ServicePorts {
  readonly directory: ProviderDirectory
  readonly policy: PolicyGate
  readonly store: ServiceStore
  readonly ownPorts: OwnPorts
}

interface Mesh {
  readonly membership: Membership
  readonly host: Host
  readonly routing: Routing
}

export function createServicePorts(
  mesh: Mesh,
  knowledge: Knowledge,
  nodeName: NodeName,
  isBehind: () => boolean,
): ServicePorts {
  return {
    directory: createDirectory(mesh, nodeName),
    policy: createPolicyGate(mesh.membership, isBehind),
    store: knowledge,
    ownPorts: { ports: () => mesh.host.listenAddresses().flatMap(portOf) },
  }
}

function createDirectory({ membership, routing }: Mesh, nodeName: NodeName): ProviderDirectory {
  const { self } = membership
  return {
    self: { peer: self, node: nodeName },
    providers: () =>
      membership.members().flatMap(({ peer, certificate, standing, record }): readonly Provider[] => {
        if (peer === self || standing !== 'member') return []
        const [best] = routing.routesTo(peer)
        return (record?.services ?? []).map(({ name, healthy }) => ({
          service: name,
          peer,
          node: certificate.name,
          healthy,
          reachable: best !== undefined,
          // The sum of what the links on the way cost, round trips above all: near enough to try the nearest first.
          rttMs: best?.costUs === undefined ? undefined : best.costUs / 1_000,
        }))
      }),
    resolve: (node) => findNode({ membership }, node),
  }
}

const DENIED: Verdict = { allow: false }

/**
 * Default deny: whoever has no certificate that counts is allowed nothing, whatever the rules say, and nobody is while this
 * node may not know who was revoked.
 */
function createPolicyGate(membership: Membership, isBehind: () => boolean): PolicyGate {
  const party = (peer: Parameters<PolicyGate['standing']>[0]) =>
    membership.standing(peer) === 'member' && !isBehind() ? membership.certificateOf(peer) : undefined
  return {
    standing: membership.standing,
    mayUse(peer, service) {
      const [who, at] = [party(peer), party(membership.self)]
      if (who === undefined || at === undefined) return DENIED
      return evaluatePolicy(membership.policy(), { action: 'use', who, at, service })
    },
    mayProvide(peer, service) {
      const who = party(peer)
      return who === undefined
        ? DENIED
        : evaluatePolicy(membership.policy(), { action: 'provide', who, service })
    },
  }
}

function portOf(address: string): number[] {
  const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
  return Number.isInteger(port) && port > 0 ? [port] : []
}

/** What this node tells of itself changes for three reasons, its services, its addresses and its policy: each publishes all. */
export interface Announcements extends ServiceAnnouncer {
  addressesChanged(): void
}

export function createAnnouncements(
  membership: Membership,
  addresses: () => readonly string[],
): Announcements {
  let services: Parameters<ServiceAnnouncer['publish']>[0] = []
  const publish = (): void =>
    membership.publishOwnRecord({
      ...{ addresses: addresses(), services },
      policy: membership.policyVersion()?.number ?? 0,
    })
  return {
    publish(next) {
      services = next
      publish()
    },
    addressesChanged: publish,
  }
}
