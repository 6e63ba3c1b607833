import { useMemo } from 'react'
import type { TopologyView } from '../../../node-core/contract/topology-schemas.ts'
import { graphOf } from '../../map/from-mesh.ts'
import { MeshMap } from '../../map/mesh-map.tsx'
import { useClusters } from '../../map/use-clusters.ts'
import { meshTopology } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { hrefOf, navigate } from '../../ui/route.ts'
import '../../map/map.css'

/** The mesh at a glance; the page of it is one click away. */
export function SmallMap() {
  const t = useText()
  const known = useKnown(meshTopology)
  return (
    <Panel
      title={t('nav.topology')}
      flush
      aside={
        <a className="small" href={hrefOf('topology')}>
          {t('overview.openMap')}
        </a>
      }
    >
      <div className="small-map">
        <WhenKnown known={known} lines={6}>
          {(topology) => <Glance topology={topology} />}
        </WhenKnown>
      </div>
    </Panel>
  )
}

function Glance({ topology }: { readonly topology: TopologyView }) {
  const t = useText()
  const format = useFormat()
  const members = useTopic('members')
  const full = useMemo(() => graphOf(topology, members ?? [], format, false), [topology, members, format])
  const { graph } = useClusters(full)
  const go = (name: string | undefined): void => {
    if (name !== undefined) navigate(hrefOf('topology', name))
  }
  return (
    <MeshMap
      graph={graph}
      selected={undefined}
      onSelect={go}
      onOpen={go}
      label={t('topology.mapLabel', { nodes: graph.nodes.length, links: graph.edges.length })}
    />
  )
}
