import { worstTone } from '../ui/tones.ts'
import type { MapEdge, MapGraph, MapNode } from './graph.ts'
import { neighboursOf } from './graph.ts'

/** Above this many machines the map shows clusters: nobody reads ten thousand dots. */
export const CLUSTER_ABOVE = 2_000
/** As many as can be read at once; fragments that are left over may add some. */
const WANTED_CLUSTERS = 60
const MAX_CLUSTERS = 120

/**
 * Groups of machines that lie near each other: from the first that has no group yet, outwards over its links, until the
 * group is full. In order, so that the same mesh is always grouped alike.
 */
export function groupsOf(graph: MapGraph): Uint32Array {
  const neighbours = neighboursOf(graph)
  const size = Math.ceil(graph.nodes.length / WANTED_CLUSTERS)
  const none = graph.nodes.length
  const groups = new Uint32Array(graph.nodes.length).fill(none)
  for (let start = 0; start < graph.nodes.length; start++) {
    if (groups[start] !== none) continue
    groups[start] = start
    const found = [start]
    for (let next = 0; next < found.length && found.length < size; next++) {
      for (const neighbour of neighbours[found[next] ?? 0] ?? []) {
        if (groups[neighbour] !== none || found.length >= size) continue
        groups[neighbour] = start
        found.push(neighbour)
      }
    }
  }
  return mergeSmall(groups, neighbours)
}

/** Puts each of the smallest groups to the group it has most links with, until few enough are left. */
function mergeSmall(groups: Uint32Array, neighbours: readonly (readonly number[])[]): Uint32Array {
  for (;;) {
    const sizes = new Map<number, number>()
    for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
    if (sizes.size <= MAX_CLUSTERS) return groups
    const small = [...sizes].sort((a, b) => a[1] - b[1]).slice(0, sizes.size - MAX_CLUSTERS)
    const moving = new Set(small.map(([group]) => group))
    const moves = new Map<number, number>()
    for (const [index, around] of neighbours.entries()) {
      const group = groups[index] ?? 0
      if (!moving.has(group) || moves.has(group)) continue
      const out = around
        .map((other) => groups[other] ?? 0)
        .find((other) => other !== group && !moves.has(other))
      if (out !== undefined) moves.set(group, out)
    }
    if (moves.size === 0) return groups
    for (const [index, group] of groups.entries()) groups[index] = moves.get(group) ?? group
  }
}

export interface Clustered {
  readonly graph: MapGraph
  /** By number of a node of the clustered graph: the group that it stands for; undefined for a single machine. */
  readonly groupOf: readonly (number | undefined)[]
}

/** The graph with every group but the opened ones drawn as one. */
export function clusterGraph(
  graph: MapGraph,
  groups: Uint32Array,
  opened: ReadonlySet<number>,
  nameOf: (count: number) => string,
): Clustered {
  const members = new Map<number, number[]>()
  for (const [index, group] of groups.entries()) {
    const list = members.get(group)
    if (list === undefined) members.set(group, [index])
    else list.push(index)
  }
  const nodes: MapNode[] = []
  const groupOf: (number | undefined)[] = []
  const placeOf = new Uint32Array(graph.nodes.length)
  for (const [group, list] of members) {
    if (opened.has(group) || list.length === 1) {
      for (const index of list) {
        const node = graph.nodes[index]
        if (node === undefined) continue
        placeOf[index] = nodes.length
        nodes.push(node)
        groupOf.push(undefined)
      }
      continue
    }
    for (const index of list) placeOf[index] = nodes.length
    const inside = list.flatMap((index) => graph.nodes[index] ?? [])
    nodes.push({
      id: `group-${group}`,
      label: nameOf(list.length),
      tone: worstTone(inside.map(({ tone }) => tone)),
      self: inside.some(({ self }) => self),
      count: list.length,
    })
    groupOf.push(group)
  }
  return { graph: { nodes, edges: joinEdges(graph.edges, placeOf) }, groupOf }
}

/** One edge between two clusters, as bad as the worst between them. */
function joinEdges(edges: readonly MapEdge[], placeOf: Uint32Array): readonly MapEdge[] {
  const joined = new Map<string, MapEdge>()
  for (const edge of edges) {
    const a = placeOf[edge.from] ?? 0
    const b = placeOf[edge.to] ?? 0
    if (a === b) continue
    const key = a < b ? `${a}-${b}` : `${b}-${a}`
    const before = joined.get(key)
    joined.set(
      key,
      before === undefined
        ? { ...edge, from: a, to: b }
        : { ...before, label: '', tone: worstTone([before.tone, edge.tone]) },
    )
  }
  return [...joined.values()]
}
