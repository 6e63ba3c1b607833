import type { PeerId } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import type { LinkSeen, MeshState, NodeSeen } from '../../domain/mesh-history.ts'
import type { NodeParts } from '../node-parts.ts'

type Seen = Pick<NodeParts, 'membership' | 'routing' | 'links' | 'reach'>

const US_PER_MS = 1_000

/** What this node knows of the mesh now: its own links as it measures them, the others as both their ends advertise. */
export function meshView(parts: Seen): MeshState {
  return { nodes: nodesOf(parts), links: linksOf(parts) }
}

function nodesOf({ membership, routing }: Seen): readonly NodeSeen[] {
  return membership.members().flatMap(({ peer, certificate, standing }) =>
    standing === 'member'
      ? [
          {
            ...{ peer, name: certificate.name },
            reachable: peer === membership.self || routing.pathsTo(peer).length > 0,
          },
        ]
      : [],
  )
}

function linksOf({ membership, routing, links }: Seen): readonly LinkSeen[] {
  const { self } = membership
  const seen = new Map<string, LinkSeen>()
  const add = (a: PeerId, b: PeerId, state: LinkState, costMs: number | undefined): void => {
    const ends = a < b ? ([a, b] as const) : ([b, a] as const)
    const key = ends.join(' ')
    if (!seen.has(key)) seen.set(key, { ends, state, costMs })
  }
  for (const { peer, state, rttMs } of links.links()) add(self, peer, state, rttMs)
  const costs = new Map(
    routing
      .topology()
      .nodes.flatMap(({ origin, links: said }) =>
        said.map(({ peer, costUs }) => [`${origin} ${peer}`, costUs] as const),
      ),
  )
  for (const { origin, links: said } of routing.topology().nodes) {
    for (const { peer, costUs } of said) {
      const back = costs.get(`${peer} ${origin}`)
      if (back === undefined || origin === self || peer === self) continue
      add(origin, peer, 'up', Math.max(costUs, back) / US_PER_MS)
    }
  }
  return [...seen.values()]
}
