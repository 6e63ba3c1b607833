import type { PeerId } from '../../domain/ids.ts'
import { MAX_LINK_COST_US } from '../../security/link-advert.ts'

/** What one node says of its own links. */
export interface NodeLinks {
  readonly origin: PeerId
  /** Whether its certificate and the policy let it carry the traffic of others. */
  readonly transit: boolean
  readonly links: readonly AdvertisedLink[]
}

export interface AdvertisedLink {
  readonly peer: PeerId
  /** Microseconds, a whole number from 1: smoothed RTT plus what estimated loss and load add. */
  readonly costUs: number
}

/**
 * An undirected weighted graph in compressed sparse rows. Node numbers follow the sorted PeerIds, so that every node
 * of the mesh builds the same arrays from the same adverts and breaks ties alike.
 */
export interface Topology {
  readonly peers: readonly PeerId[]
  readonly numberOf: ReadonlyMap<PeerId, number>
  /** 1 where the node may stand inside a path. */
  readonly transit: Uint8Array
  /** The arcs of node `v` are `offsets[v]` to `offsets[v + 1] - 1`. */
  readonly offsets: Uint32Array
  readonly targets: Uint32Array
  readonly costsUs: Uint32Array
}

/** Costs are whole microseconds and at most a minute, so that sums over a path are exact. */
function clampCost(costUs: number): number {
  return Math.min(MAX_LINK_COST_US, Math.max(1, Math.round(costUs)))
}

/**
 * A link counts only if both ends advertise it, at the larger of the two costs: a liar that advertises a link alone
 * attracts nothing, and one that understates a cost gains nothing.
 */
export function buildTopology(adverts: Iterable<NodeLinks>): Topology {
  const byOrigin = new Map<PeerId, NodeLinks>()
  for (const advert of adverts) byOrigin.set(advert.origin, advert)
  const peers = [...byOrigin.keys()].sort()
  const numberOf = new Map(peers.map((peer, index) => [peer, index]))
  const said = readArcs(peers, byOrigin, numberOf)
  const keys = Float64Array.from(said.keys()).sort()
  const offsets = new Uint32Array(peers.length + 1)
  const targets: number[] = []
  const costs: number[] = []
  for (const key of keys) {
    const target = key % peers.length
    const node = (key - target) / peers.length
    const back = said.get(target * peers.length + node)
    if (back === undefined) continue
    targets.push(target)
    costs.push(Math.max(said.get(key) ?? 0, back))
    offsets[node + 1] = targets.length
  }
  // A node without arcs ends where the one before it ends.
  for (let node = 1; node <= peers.length; node++) {
    offsets[node] = Math.max(offsets[node] ?? 0, offsets[node - 1] ?? 0)
  }
  return {
    peers,
    numberOf,
    transit: Uint8Array.from(peers, (peer) => (byOrigin.get(peer)?.transit === true ? 1 : 0)),
    offsets,
    targets: Uint32Array.from(targets),
    costsUs: Uint32Array.from(costs),
  }
}

/** What each node says, by `node * size + target`: numbers, because with a thousand nodes Maps of Maps are slow. */
function readArcs(
  peers: readonly PeerId[],
  byOrigin: ReadonlyMap<PeerId, NodeLinks>,
  numberOf: ReadonlyMap<PeerId, number>,
): ReadonlyMap<number, number> {
  const arcs = new Map<number, number>()
  for (const [node, peer] of peers.entries()) {
    for (const link of byOrigin.get(peer)?.links ?? []) {
      const target = numberOf.get(link.peer)
      if (target === undefined || target === node) continue
      arcs.set(node * peers.length + target, clampCost(link.costUs))
    }
  }
  return arcs
}
