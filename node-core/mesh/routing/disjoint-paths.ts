import { type Avoid, MAX_LINKS, type Path, shortestPaths } from './shortest-path.ts'
import type { Topology } from './topology.ts'

/** The most paths that are kept towards one target. */
export const MAX_DISJOINT = 3

/**
 * The cheapest path first, then up to `MAX_DISJOINT - 1` more that share no node and no link with it or with each
 * other. When taking the cheapest path leaves no second one although a disjoint pair exists (a trap topology), the
 * pair of least total cost comes back instead: two paths that can fail apart are worth more than the best one alone.
 */
export function disjointPaths(topology: Topology, source: number, target: number): readonly Path[] {
  const greedy = disjointFrom(topology, [], source, target)
  if (greedy.length !== 1) return greedy
  const pair = cheapestPair(topology, source, target)
  return pair ?? greedy
}

/** Adds the cheapest path that shares nothing with those there are, until there is none or they are enough. */
export function disjointFrom(
  topology: Topology,
  given: readonly Path[],
  source: number,
  target: number,
): readonly Path[] {
  const used = new Uint8Array(topology.peers.length)
  const paths: Path[] = []
  let avoid: Avoid = { nodes: used }
  const take = (path: Path): void => {
    paths.push(path)
    for (const node of path.nodes.slice(1, -1)) used[node] = 1
    if (path.nodes.length === 2) avoid = { nodes: used, directTo: target }
  }
  for (const path of given) take(path)
  while (paths.length < MAX_DISJOINT) {
    const path = shortestPaths(topology, source, avoid).pathTo(target)
    if (path === undefined) break
    take(path)
  }
  return paths
}

/**
 * A pair of node-disjoint paths with the least total cost, or undefined where there is none that is short enough.
 * Bhandari, "Survivable Networks" (1999), chapter 3: the second search may take the first path's links backwards at
 * negative cost, and what both use in opposite directions cancels out. The first path has to be a cheapest one of any
 * length: where a cheaper one is too long to be taken, the links of a shorter one and that detour would make a circle of
 * negative cost.
 */
function cheapestPair(topology: Topology, source: number, target: number): readonly Path[] | undefined {
  const first = searchAgainst(topology, [], source, target)
  if (first === undefined) return undefined
  const second = searchAgainst(topology, first, source, target)
  if (second === undefined) return undefined
  const arcs = new Map<number, Set<number>>()
  const add = (from: number, to: number): void => {
    // A link taken in both directions cancels out.
    if (arcs.get(to)?.delete(from) === true) return
    const set = arcs.get(from) ?? new Set()
    arcs.set(from, set.add(to))
  }
  for (const nodes of [first, second]) {
    for (let i = 1; i < nodes.length; i++) add(nodes[i - 1] ?? 0, nodes[i] ?? 0)
  }
  const pair = [...(arcs.get(source) ?? [])].flatMap(
    (next) => follow(topology, arcs, source, next, target) ?? [],
  )
  if (pair.length !== 2) return undefined
  return pair.sort((a, b) => a.costUs - b.costUs || a.nodes.length - b.nodes.length)
}

/** The path over these arcs, if it gets there and is short enough. */
function follow(
  topology: Topology,
  arcs: ReadonlyMap<number, ReadonlySet<number>>,
  source: number,
  next: number,
  target: number,
): Path | undefined {
  const nodes = [source, next]
  let node = next
  while (node !== target) {
    const [onward] = arcs.get(node) ?? []
    if (onward === undefined || nodes.length > MAX_LINKS) return undefined
    nodes.push(onward)
    node = onward
  }
  let costUs = 0
  for (let i = 1; i < nodes.length; i++) costUs += costOf(topology, nodes[i - 1] ?? 0, nodes[i] ?? 0)
  return { nodes, costUs }
}

/** Of one link; infinite where there is none. */
export function costOf(topology: Topology, from: number, to: number): number {
  const end = topology.offsets[from + 1] ?? 0
  for (let arc = topology.offsets[from] ?? 0; arc < end; arc++) {
    if (topology.targets[arc] === to) return topology.costsUs[arc] ?? 0
  }
  return Number.POSITIVE_INFINITY
}

/**
 * The second search of Bhandari's method over the split graph: node v is `2v` where paths come in and `2v + 1` where
 * they leave. On the first path the way through a node and its links exist only backwards, at negative cost. Without a
 * first path it is that search. Queue-based Bellman-Ford; there is no negative cycle, because the first path is a cheapest
 * one. Undefined when the target cannot be reached.
 */
function searchAgainst(
  topology: Topology,
  first: readonly number[],
  source: number,
  target: number,
): number[] | undefined {
  const size = topology.peers.length * 2
  const costs = new Float64Array(size).fill(Number.POSITIVE_INFINITY)
  const parents = new Int32Array(size).fill(-1)
  const queued = new Uint8Array(size)
  const start = source * 2 + 1
  const goal = target * 2
  costs[start] = 0
  const queue = [start]
  const onward = new Map(first.slice(1).map((node, index) => [first[index] ?? 0, node]))
  const backward = new Map([...onward].map(([from, to]) => [to, from]))
  const relax = (from: number, to: number, costUs: number): void => {
    const cost = (costs[from] ?? 0) + costUs
    if (cost >= (costs[to] ?? 0)) return
    costs[to] = cost
    parents[to] = from
    if (queued[to] === 0) {
      queued[to] = 1
      queue.push(to)
    }
  }
  // A bound in place of trust: each of `size` nodes enters the queue at most `size` times without a negative cycle.
  for (let head = 0; head < queue.length && head < size * size; head++) {
    const at = queue[head] ?? 0
    queued[at] = 0
    expand(topology, { at, source, target, onward, backward }, relax)
  }
  if (parents[goal] === -1) return undefined
  const nodes: number[] = []
  for (let at = goal, steps = 0; at !== -1 && steps <= size; at = parents[at] ?? -1, steps++) {
    if (nodes.at(-1) !== at >> 1) nodes.push(at >> 1)
  }
  return nodes.reverse()
}

interface Step {
  readonly at: number
  readonly source: number
  readonly target: number
  readonly onward: ReadonlyMap<number, number>
  readonly backward: ReadonlyMap<number, number>
}

function expand(
  topology: Topology,
  step: Step,
  relax: (from: number, to: number, costUs: number) => void,
): void {
  const { at, source, target, onward, backward } = step
  const node = at >> 1
  const inside = node !== source && node !== target
  const onFirst = inside && onward.has(node)
  if (at % 2 === 0) {
    // Arrived at a node: through it, or, on the first path, back over the link the first path came by.
    if (!inside) return
    if (!onFirst) {
      if (topology.transit[node] === 1) relax(at, at + 1, 0)
      return
    }
    const before = backward.get(node)
    if (before !== undefined) relax(at, before * 2 + 1, -costOf(topology, before, node))
    return
  }
  // Leaving a node: over its links; on the first path also back through the node itself.
  if (onFirst) relax(at, at - 1, 0)
  const end = topology.offsets[node + 1] ?? 0
  for (let arc = topology.offsets[node] ?? 0; arc < end; arc++) {
    const to = topology.targets[arc] ?? 0
    if (to === source || onward.get(node) === to) continue
    relax(at, to * 2, topology.costsUs[arc] ?? 0)
  }
}
