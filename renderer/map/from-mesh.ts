import type { TopologyView } from '../../node-core/contract/topology-schemas.ts'
import type { Format } from '../text/format.ts'
import type { Tone } from '../ui/tones.ts'
import { LINK_TONES, MEMBER_TONES, type Member, memberState } from '../view/tones.ts'
import type { MapEdge, MapGraph, MapNode, MapPaths } from './graph.ts'

type MeshLink = TopologyView['links'][number]

/** Above this estimated loss a link of others, of which only figures are known, wants attention. */
const LOSSY = 0.02

/** How a link is. Of a link between others, this node knows what they advertise. */
export function linkTone({ state, lossEstimate, bothEnds }: MeshLink): Tone {
  if (state !== null) return LINK_TONES[state]
  if (!bothEnds) return 'unknown'
  return lossEstimate !== null && lossEstimate > LOSSY ? 'attention' : 'good'
}

/** Short, for the middle of a line. */
const suiteShort = (suite: string | null): string => (suite === null ? '' : (suite.split('/').at(-1) ?? ''))

/** The mesh as a graph: the members that are in it, the links that are advertised or seen, and on wish the ways between. */
export function graphOf(
  view: TopologyView,
  members: readonly Member[],
  format: Format,
  withRoutes: boolean,
): MapGraph {
  const byPeer = new Map(members.map((member) => [member.peer, member]))
  const nodes = view.nodes.map((node): MapNode => {
    const member = byPeer.get(node.peer)
    return {
      id: node.name,
      label: node.name,
      tone: member === undefined ? 'unknown' : MEMBER_TONES[memberState(member)],
      self: node.peer === view.self,
      count: 1,
    }
  })
  const numberOf = new Map(view.nodes.map(({ peer }, index) => [peer, index]))
  const edges = view.links.flatMap((link): readonly MapEdge[] => {
    const [from, to] = [numberOf.get(link.a), numberOf.get(link.b)]
    if (from === undefined || to === undefined) return []
    const label = link.rttMs === null ? '' : format.milliseconds(link.rttMs)
    return [{ from, to, tone: linkTone(link), label, suite: suiteShort(link.suite), kind: 'direct' }]
  })
  const own = numberOf.get(view.self)
  if (!withRoutes || own === undefined) return { nodes, edges }
  const routed = members.flatMap((member): readonly MapEdge[] => {
    const to = numberOf.get(member.peer)
    if (to === undefined || memberState(member) !== 'routed') return []
    return [{ from: own, to, tone: 'info', label: '', suite: '', kind: 'routed' }]
  })
  return { nodes, edges: [...edges, ...routed] }
}

interface NamedHop {
  readonly from: string
  readonly to: string
}

/** The ways of a trace, as numbers of nodes. */
export function pathsIn(
  graph: MapGraph,
  trace: { readonly forward: readonly NamedHop[]; readonly back: readonly NamedHop[] } | undefined,
): MapPaths {
  const numberOf = new Map(graph.nodes.map(({ id }, index) => [id, index]))
  const numbers = (hops: readonly NamedHop[]): readonly number[] => {
    const [first] = hops
    if (first === undefined) return []
    return [first.from, ...hops.map(({ to }) => to)].flatMap((name) => numberOf.get(name) ?? [])
  }
  return { forward: numbers(trace?.forward ?? []), back: numbers(trace?.back ?? []) }
}
