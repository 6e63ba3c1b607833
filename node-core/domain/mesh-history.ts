import type { NodeName, PeerId } from './ids.ts'
import type { LinkState } from './link.ts'

/** What a node knew of its mesh at one moment. */
export interface MeshState {
  readonly nodes: readonly NodeSeen[]
  readonly links: readonly LinkSeen[]
}

export interface NodeSeen {
  readonly peer: PeerId
  readonly name: NodeName
  readonly reachable: boolean
}

export interface LinkSeen {
  /** In the order of their ids. */
  readonly ends: readonly [PeerId, PeerId]
  /** Of a link of another node it is only known that both ends advertise it, which is `up`. */
  readonly state: LinkState
  readonly costMs: number | undefined
}

/** What was different afterwards. */
export type MeshChange =
  | { readonly at: number; readonly kind: 'node'; readonly node: NodeSeen }
  | { readonly at: number; readonly kind: 'node-gone'; readonly peer: PeerId }
  | { readonly at: number; readonly kind: 'link'; readonly link: LinkSeen }
  | { readonly at: number; readonly kind: 'link-gone'; readonly ends: readonly [PeerId, PeerId] }

export const EMPTY_MESH: MeshState = { nodes: [], links: [] }

/** A cost that moved by less is the same: round trips always move. */
const COST_RATIO = 1.5
const COST_STEP_MS = 5

const linkKey = (ends: readonly [PeerId, PeerId]): string => `${ends[0]} ${ends[1]}`

function sameCost(a: number | undefined, b: number | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return Math.abs(a - b) < COST_STEP_MS || Math.max(a, b) < Math.min(a, b) * COST_RATIO
}

const sameNode = (a: NodeSeen | undefined, b: NodeSeen): boolean =>
  a !== undefined && a.name === b.name && a.reachable === b.reachable
const sameLink = (a: LinkSeen | undefined, b: LinkSeen): boolean =>
  a !== undefined && a.state === b.state && sameCost(a.costMs, b.costMs)

/** What has to be kept to come from one state to the other; small moves of costs are left out. */
export function changesBetween(before: MeshState, after: MeshState, at: number): readonly MeshChange[] {
  const nodes = new Map(before.nodes.map((node) => [node.peer, node]))
  const links = new Map(before.links.map((link) => [linkKey(link.ends), link]))
  const changes: MeshChange[] = []
  for (const node of after.nodes) {
    if (!sameNode(nodes.get(node.peer), node)) changes.push({ at, kind: 'node', node })
    nodes.delete(node.peer)
  }
  for (const link of after.links) {
    if (!sameLink(links.get(linkKey(link.ends)), link)) changes.push({ at, kind: 'link', link })
    links.delete(linkKey(link.ends))
  }
  for (const peer of nodes.keys()) changes.push({ at, kind: 'node-gone', peer })
  for (const { ends } of links.values()) changes.push({ at, kind: 'link-gone', ends })
  return changes
}

/** The state after the changes, in order of ids. */
export function withChanges(state: MeshState, changes: readonly MeshChange[]): MeshState {
  const nodes = new Map(state.nodes.map((node) => [node.peer, node]))
  const links = new Map(state.links.map((link) => [linkKey(link.ends), link]))
  for (const change of changes) {
    switch (change.kind) {
      case 'node':
        nodes.set(change.node.peer, change.node)
        break
      case 'node-gone':
        nodes.delete(change.peer)
        break
      case 'link':
        links.set(linkKey(change.link.ends), change.link)
        break
      case 'link-gone':
        links.delete(linkKey(change.ends))
        break
    }
  }
  const sorted = <T>(map: ReadonlyMap<string, T>): T[] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
  return { nodes: sorted(nodes), links: sorted(links) }
}
