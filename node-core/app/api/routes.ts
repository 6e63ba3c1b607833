import type { Hop, Route, TraceResult } from '../../contract/routing-schemas.ts'
import type { NodeName, PeerId } from '../../domain/ids.ts'
import type { TopologyNode } from '../../mesh/routing/routing.ts'
import type { NodeParts } from '../node-parts.ts'
import { nameOf } from './views.ts'

type RouteParts = Pick<NodeParts, 'membership' | 'routing' | 'links'>

const US_PER_MS = 1_000
const PARTS_PER_MILLION = 1_000_000

const inMs = (us: number | null | undefined): number | null =>
  us === null || us === undefined ? null : us / US_PER_MS

/** The ways to every other member, or to one. */
export function listRoutes(parts: RouteParts, only?: PeerId): Route[] {
  const { membership, routing } = parts
  const adverts = new Map(routing.topology().nodes.map((node) => [node.origin, node]))
  return membership.members().flatMap(({ peer, certificate, standing }): Route[] => {
    if (standing !== 'member' || peer === membership.self) return []
    if (only !== undefined && peer !== only) return []
    const advert = adverts.get(peer)
    return [
      {
        ...{ peer, name: certificate.name },
        paths: routing.routesTo(peer).map(({ hops, costUs }) => ({
          hops: hops.length,
          via: hops.slice(0, -1),
          viaNames: hops.slice(0, -1).flatMap((hop) => nameOf(parts, hop) ?? []),
          costMs: inMs(costUs),
        })),
        transit: advert?.carries ?? false,
        links: advert?.links.length ?? 0,
        advertMs: advert?.heardMs ?? null,
        convicted: advert?.convicted ?? false,
      },
    ]
  })
}

/** The way there and the way back, from what this node measures and what the others advertise. */
export function traceRoute(parts: RouteParts, peer: PeerId): Omit<TraceResult, 'schema'> {
  const { membership, routing } = parts
  const name = nameOf(parts, peer)
  if (name === undefined) throw new TypeError('a node that was found has a name')
  const adverts = new Map(routing.topology().nodes.map((node) => [node.origin, node]))
  const [forward] = routing.pathsTo(peer)
  const [back] = peer === membership.self ? [] : routing.pathsBetween(peer, membership.self)
  const hopsOf = (from: PeerId, hops: readonly PeerId[]): Hop[] =>
    hops.flatMap((to, index) => hopOf(parts, adverts, hops[index - 1] ?? from, to) ?? [])
  return {
    ...{ peer, name },
    reached: peer === membership.self || forward !== undefined,
    forward: hopsOf(membership.self, forward ?? []),
    back: hopsOf(peer, back?.hops ?? []),
  }
}

function hopOf(
  parts: RouteParts,
  adverts: ReadonlyMap<PeerId, TopologyNode>,
  fromPeer: PeerId,
  toPeer: PeerId,
): Hop | undefined {
  const [from, to]: readonly (NodeName | undefined)[] = [nameOf(parts, fromPeer), nameOf(parts, toPeer)]
  if (from === undefined || to === undefined) return undefined
  const advert = adverts.get(fromPeer)
  const said = advert?.links.find(({ peer }) => peer === toPeer)
  const ends = { from, to, toPeer, costMs: inMs(said?.costUs) }
  if (fromPeer === parts.membership.self) {
    const link = parts.links.links().find(({ peer }) => peer === toPeer)
    return {
      ...ends,
      rttMs: link?.rttMs ?? null,
      lossEstimate: link?.lossEstimate ?? null,
      suite: link?.suite ?? null,
      source: 'measured',
      ageMs: null,
    }
  }
  return {
    ...ends,
    rttMs: inMs(said?.rttUs),
    lossEstimate: typeof said?.lossPpm === 'number' ? said.lossPpm / PARTS_PER_MILLION : null,
    suite: said?.suite ?? null,
    source: 'advertised',
    ageMs: advert?.heardMs ?? null,
  }
}
