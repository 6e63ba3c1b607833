import { useCallback, useMemo } from 'react'
import type { TopologyView } from '../../../node-core/contract/topology-schemas.ts'
import { graphOf, pathsIn } from '../../map/from-mesh.ts'
import { NO_PATHS } from '../../map/graph.ts'
import { MeshMap } from '../../map/mesh-map.tsx'
import { useClusters } from '../../map/use-clusters.ts'
import { meshTopology, traceTo } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Choice, Toggle } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { PageHead, Panel } from '../../ui/panel.tsx'
import { hrefOf, navigate, useFilter, useRoute } from '../../ui/route.ts'
import type { Member } from '../../view/tones.ts'
import { HISTORY_MINUTES, HistoryBar } from './history-bar.tsx'
import { Legend } from './legend.tsx'
import { MeshLinkTable } from './mesh-link-table.tsx'
import { PastMesh } from './past-mesh.tsx'
import { SelectedNode } from './selected-node.tsx'
import '../../map/map.css'
import './topology.css'

const MINUTE_MS = 60_000

/** From the address: anything that is no number of minutes is now. */
function minutesIn(text: string): number {
  const minutes = Number(text)
  return Number.isInteger(minutes) && minutes > 0 ? Math.min(HISTORY_MINUTES, minutes) : 0
}

/** The whole mesh as a picture, and the same as a table. */
export function TopologyPage({ id }: { readonly id: string | undefined }) {
  const t = useText()
  const known = useKnown(meshTopology)
  const members = useTopic('members') ?? []
  const [ago, setAgo] = useFilter('ago')
  const minutes = minutesIn(ago)
  // One moment for as long as the slider stands still, or the picture would be asked for again and again.
  const at = useMemo(() => Date.now() - minutes * MINUTE_MS, [minutes])
  return (
    <>
      <PageHead title={t('nav.topology')} lead={t('topology.lead')} />
      <HistoryBar minutesAgo={minutes} onChange={(next) => setAgo(next === 0 ? '' : String(next))} />
      <WhenKnown known={known} lines={8}>
        {(topology) =>
          minutes === 0 ? (
            <Mesh topology={topology} members={members} selected={id} />
          ) : (
            <PastMesh at={at} self={topology.self} />
          )
        }
      </WhenKnown>
    </>
  )
}

interface MeshProps {
  readonly topology: TopologyView
  readonly members: readonly Member[]
  readonly selected: string | undefined
}

function Mesh({ topology, members, selected }: MeshProps) {
  const t = useText()
  const format = useFormat()
  const { query } = useRoute()
  const [routes, setRoutes] = useFilter('routes')
  const full = useMemo(
    () => graphOf(topology, members, format, routes === 'on'),
    [topology, members, format, routes],
  )
  const { graph, open } = useClusters(full)
  const select = useCallback(
    (name: string | undefined) => navigate(hrefOf('topology', name, Object.fromEntries(query))),
    [query],
  )
  const names = topology.nodes.map(({ name }) => name).sort()
  return (
    <>
      <Panel
        title={t('topology.map')}
        flush
        aside={
          <div className="row">
            <Toggle
              label={t('topology.routes')}
              checked={routes === 'on'}
              onChange={(on) => setRoutes(on ? 'on' : '')}
            />
            <Choice
              label={t('topology.find')}
              hideLabel
              value={selected ?? ''}
              onChange={(name) => select(name === '' ? undefined : name)}
              options={[
                { value: '', label: t('topology.find') },
                ...names.map((name) => ({ value: name, label: name })),
              ]}
            />
          </div>
        }
      >
        <div className="topology">
          <div className="topology-map">
            <MapWithPaths
              graph={graph}
              selected={selected}
              peer={topology.nodes.find(({ name }) => name === selected)?.peer}
              self={topology.self}
              onSelect={select}
              onOpen={(name) => {
                if (!open(name)) navigate(hrefOf('nodes', name))
              }}
            />
            <Legend />
          </div>
          <aside className="topology-side" aria-label={t('topology.selected')}>
            <SelectedNode name={selected} topology={topology} members={members} />
          </aside>
        </div>
      </Panel>
      <Panel title={t('topology.table')} flush>
        <MeshLinkTable topology={topology} />
      </Panel>
    </>
  )
}

interface MapWithPathsProps {
  readonly graph: ReturnType<typeof graphOf>
  readonly selected: string | undefined
  readonly peer: string | undefined
  readonly self: string
  readonly onSelect: (name: string | undefined) => void
  readonly onOpen: (name: string) => void
}

function MapWithPaths({ graph, selected, peer, self, onSelect, onOpen }: MapWithPathsProps) {
  const t = useText()
  const shared = {
    graph,
    selected,
    onSelect,
    onOpen,
    label: t('topology.mapLabel', { nodes: graph.nodes.length, links: graph.edges.length }),
  }
  if (peer === undefined || peer === self) return <MeshMap {...shared} paths={NO_PATHS} />
  return <TracedMap {...shared} peer={peer} />
}

function TracedMap({
  peer,
  ...map
}: Omit<Parameters<typeof MeshMap>[0], 'paths'> & { readonly peer: string }) {
  const { value } = useKnown(traceTo(peer))
  const { graph } = map
  const paths = useMemo(() => pathsIn(graph, value), [graph, value])
  return <MeshMap {...map} paths={paths} />
}
