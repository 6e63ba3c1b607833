import { useMemo } from 'react'
import type { TopologyView } from '../../../node-core/contract/topology-schemas.ts'
import type { NodeClient } from '../../bridge/line.ts'
import type { MapGraph } from '../../map/graph.ts'
import { MeshMap } from '../../map/mesh-map.tsx'
import { useClusters } from '../../map/use-clusters.ts'
import { meshAt } from '../../state/history.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { LINK_TONES } from '../../view/tones.ts'
import { Legend } from './legend.tsx'
import { MeshLinkTable } from './mesh-link-table.tsx'

type PastState = NonNullable<Awaited<ReturnType<NodeClient['topology']['at']>>['state']>

/** The mesh as this node knew it at an earlier moment. */
export function PastMesh({ at, self }: { readonly at: number; readonly self: string }) {
  const t = useText()
  const known = useKnown(meshAt(String(at)))
  return (
    <WhenKnown known={known} lines={6}>
      {({ state }) =>
        state === null ? <p className="empty">{t('history.none')}</p> : <Picture state={state} self={self} />
      }
    </WhenKnown>
  )
}

function Picture({ state, self }: { readonly state: PastState; readonly self: string }) {
  const t = useText()
  const format = useFormat()
  const full = useMemo(() => graphOfPast(state, self, format.milliseconds), [state, self, format])
  const { graph, open } = useClusters(full)
  return (
    <>
      <Panel title={t('topology.map')} flush>
        <div className="topology-map">
          <MeshMap
            graph={graph}
            selected={undefined}
            onSelect={() => {}}
            onOpen={(id) => open(id)}
            label={t('topology.mapLabel', { nodes: graph.nodes.length, links: graph.edges.length })}
          />
          <Legend />
        </div>
      </Panel>
      <Panel title={t('topology.table')} flush>
        <MeshLinkTable topology={viewOfPast(state)} />
      </Panel>
    </>
  )
}

function graphOfPast(
  { nodes, links }: PastState,
  self: string,
  write: (costMs: number | null) => string,
): MapGraph {
  const numberOf = new Map(nodes.map(({ peer }, index) => [peer, index]))
  return {
    nodes: nodes.map(({ peer, name, reachable }) => ({
      ...{ id: name, label: name, self: peer === self, count: 1 },
      tone: reachable || peer === self ? ('good' as const) : ('bad' as const),
    })),
    edges: links.flatMap(({ ends: [a, b], state, costMs }) => {
      const [from, to] = [numberOf.get(a), numberOf.get(b)]
      if (from === undefined || to === undefined) return []
      const label = costMs === null ? '' : write(costMs)
      return [{ from, to, label, tone: LINK_TONES[state], suite: '', kind: 'direct' as const }]
    }),
  }
}

/** What is kept of a moment, in the shape that the table reads; what is not kept is unknown. */
function viewOfPast({ nodes, links }: PastState): Pick<TopologyView, 'nodes' | 'links'> {
  return {
    nodes: nodes.map(({ peer, name }) => ({ peer, name, transit: false, convicted: false, advertMs: null })),
    links: links.map(({ ends: [a, b], state, costMs }) => ({
      ...{ a, b, state, costMs, bothEnds: true, rttMs: null, lossEstimate: null, suite: null },
      source: 'advertised' as const,
    })),
  }
}
