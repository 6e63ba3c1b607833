import type { TopologyView } from '../../contract/topology-schemas.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { NodeParts } from '../node-parts.ts'

type TopologyParts = Pick<NodeParts, 'membership' | 'routing' | 'links'>
type MeshLink = TopologyView['links'][number]

const US_PER_MS = 1_000
const PARTS_PER_MILLION = 1_000_000

/** The members and every link that one of them advertises or that this node has. */
export function showTopology({ membership, routing, links }: TopologyParts): Omit<TopologyView, 'schema'> {
  const adverts = new Map(routing.topology().nodes.map((node) => [node.origin, node]))
  const members = membership.members().filter(({ standing }) => standing === 'member')
  const known = new Set(members.map(({ peer }) => peer))
  const found = new Map<string, MeshLink>()
  for (const advert of adverts.values()) {
    if (!known.has(advert.origin)) continue
    for (const said of advert.links) {
      if (!known.has(said.peer)) continue
      const [a, b] = inOrder(advert.origin, said.peer)
      const before = found.get(`${a}/${b}`)
      found.set(`${a}/${b}`, {
        ...{ a, b, state: null, suite: said.suite, source: 'advertised' },
        bothEnds: before !== undefined,
        rttMs: larger(before?.rttMs, said.rttUs === null ? null : said.rttUs / US_PER_MS),
        lossEstimate: larger(
          before?.lossEstimate,
          said.lossPpm === null ? null : said.lossPpm / PARTS_PER_MILLION,
        ),
        costMs: larger(before?.costMs, said.costUs / US_PER_MS),
      })
    }
  }
  for (const link of links.links()) {
    if (!known.has(link.peer)) continue
    const [a, b] = inOrder(membership.self, link.peer)
    const before = found.get(`${a}/${b}`)
    found.set(`${a}/${b}`, {
      ...{ a, b, state: link.state, source: 'measured' },
      bothEnds: before?.bothEnds ?? false,
      rttMs: link.rttMs ?? null,
      lossEstimate: link.lossEstimate ?? null,
      suite: link.suite ?? before?.suite ?? null,
      costMs: before?.costMs ?? null,
    })
  }
  const nodes = members.map(({ peer, certificate }) => {
    const advert = adverts.get(peer)
    return {
      ...{ peer, name: certificate.name },
      transit: advert?.carries ?? false,
      convicted: advert?.convicted ?? false,
      advertMs: advert?.heardMs ?? null,
    }
  })
  return { self: membership.self, nodes, links: [...found.values()] }
}

const inOrder = (a: PeerId, b: PeerId): readonly [PeerId, PeerId] => (a < b ? [a, b] : [b, a])

function larger(a: number | null | undefined, b: number | null): number | null {
  if (a === null || a === undefined) return b
  return b === null ? a : Math.max(a, b)
}
