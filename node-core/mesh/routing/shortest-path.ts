import type { Topology } from './topology.ts'

/** A path has at most 8 hops: the links that it crosses. */
export const MAX_LINKS = 8

export interface Path {
  /** Node numbers from the source to the target, both included. */
  readonly nodes: readonly number[]
  readonly costUs: number
}

/** What must not be used: nodes inside a path, and a single direct link between the two ends. */
export interface Avoid {
  /** 1 where the node may not stand inside the path. */
  readonly nodes?: Uint8Array
  /** Leave out the direct link from the source to this node. */
  readonly directTo?: number
}

/** Best costs from one source to every node, by the number of links allowed. */
export interface PathTree {
  readonly source: number
  pathTo(target: number): Path | undefined
}

const UNREACHED = Number.POSITIVE_INFINITY

/**
 * Cheapest paths from `source` to every node over at most `MAX_LINKS` links: Bellman-Ford by layers, where layer h
 * holds the best cost over at most h links. Dijkstra would find the cheapest path of any length and miss the cheapest
 * one that is short enough; on graphs of this size the layers cost as little. Ties go to fewer links, then to the
 * lower node number, so that every node decides alike.
 */
export function shortestPaths(topology: Topology, source: number, avoid: Avoid = {}): PathTree {
  const size = topology.peers.length
  const parents = new Int32Array(size * (MAX_LINKS + 1)).fill(-1)
  let costs = new Float64Array(size).fill(UNREACHED)
  costs[source] = 0
  let frontier: number[] = [source]
  let layers = 0
  for (let layer = 1; layer <= MAX_LINKS && frontier.length > 0; layer++) {
    const next = costs.slice()
    const base = layer * size
    parents.copyWithin(base, base - size, base)
    frontier = relaxLayer(topology, { source, avoid, costs, next, parents, base }, frontier)
    costs = next
    layers = layer
  }
  return { source, pathTo: (target) => readPath({ size, source, parents, costs, layers }, target) }
}

interface Layer {
  readonly source: number
  readonly avoid: Avoid
  readonly costs: Float64Array
  readonly next: Float64Array
  readonly parents: Int32Array
  readonly base: number
}

/** Extends the paths of the last layer's changed nodes by one link; returns the nodes that got better. */
function relaxLayer(topology: Topology, layer: Layer, frontier: readonly number[]): number[] {
  const { offsets, targets, costsUs, transit } = topology
  const { source, avoid, costs, next, parents, base } = layer
  const changed: number[] = []
  const marked = new Uint8Array(topology.peers.length)
  for (const node of frontier) {
    if (node !== source && (transit[node] !== 1 || avoid.nodes?.[node] === 1)) continue
    const soFar = costs[node] ?? UNREACHED
    const end = offsets[node + 1] ?? 0
    for (let arc = offsets[node] ?? 0; arc < end; arc++) {
      const target = targets[arc] ?? 0
      if (node === source && target === avoid.directTo) continue
      const cost = soFar + (costsUs[arc] ?? 0)
      const known = next[target] ?? UNREACHED
      // At equal cost a path found in this layer yields to a shorter one and to one over a lower node number.
      const tie = cost === known && marked[target] === 1 && node < (parents[base + target] ?? -1)
      if (cost < known || tie) {
        next[target] = cost
        parents[base + target] = node
        if (marked[target] === 0) {
          marked[target] = 1
          changed.push(target)
        }
      }
    }
  }
  return changed
}

interface Search {
  readonly size: number
  readonly source: number
  readonly parents: Int32Array
  readonly costs: Float64Array
  readonly layers: number
}

/**
 * Walks back from the target, one layer down for each link. A node's entry in a layer may stem from an earlier layer
 * (it was copied up), and the walk stays right: its parent's cost one layer down is at most what the entry was made from.
 */
function readPath(search: Search, target: number): Path | undefined {
  const cost = search.costs[target]
  if (cost === undefined || cost === UNREACHED) return undefined
  const nodes: number[] = [target]
  let node = target
  for (let layer = search.layers; node !== search.source; layer--) {
    const parent = layer < 1 ? -1 : (search.parents[layer * search.size + node] ?? -1)
    if (parent < 0) return undefined
    nodes.push(parent)
    node = parent
  }
  return { nodes: nodes.reverse(), costUs: cost }
}
