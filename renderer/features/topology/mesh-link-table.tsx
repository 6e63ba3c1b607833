import type { TopologyView } from '../../../node-core/contract/topology-schemas.ts'
import { linkTone } from '../../map/from-mesh.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { toneRank } from '../../ui/tones.ts'
import { Kind, LinkMark, NodeLink, SuiteText } from '../../view/parts.tsx'

type MeshLink = TopologyView['links'][number]

/** Every link on the map, for those who rather read. */
export function MeshLinkTable({ topology }: { readonly topology: Pick<TopologyView, 'nodes' | 'links'> }) {
  const t = useText()
  const format = useFormat()
  const names = new Map(topology.nodes.map(({ peer, name }) => [peer, name]))
  const nameOf = (peer: MeshLink['a']): string => names.get(peer) ?? peer
  const columns: readonly Column<MeshLink>[] = [
    {
      key: 'a',
      label: t('topology.from'),
      value: ({ a }) => nameOf(a),
      cell: ({ a }) => <NodeLink name={nameOf(a)} />,
    },
    {
      key: 'b',
      label: t('topology.to'),
      value: ({ b }) => nameOf(b),
      cell: ({ b }) => <NodeLink name={nameOf(b)} />,
    },
    {
      key: 'state',
      label: t('state'),
      value: (link) => toneRank(linkTone(link)),
      cell: (link) =>
        link.state === null ? (
          <StateMark
            tone={linkTone(link)}
            label={link.bothEnds ? t('topology.advertised') : t('topology.oneEnd')}
          />
        ) : (
          <LinkMark state={link.state} />
        ),
    },
    { key: 'kind', label: t('topology.kind'), value: () => 'direct', cell: () => t('topology.direct') },
    {
      key: 'rtt',
      label: t('links.rtt'),
      end: true,
      value: ({ rttMs }) => rttMs,
      cell: ({ rttMs, source }) => (
        <>
          {format.milliseconds(rttMs)} <Kind kind={source} />
        </>
      ),
    },
    {
      key: 'loss',
      label: t('links.loss'),
      end: true,
      value: ({ lossEstimate }) => lossEstimate,
      cell: ({ lossEstimate }) => (
        <>
          {format.share(lossEstimate)} <Kind kind="estimated" />
        </>
      ),
    },
    {
      key: 'suite',
      label: t('links.suite'),
      value: ({ suite }) => suite,
      cell: ({ suite }) => <SuiteText suite={suite} />,
    },
  ]
  return (
    <DataTable
      id="mesh"
      label={t('topology.table')}
      rows={topology.links}
      columns={columns}
      rowKey={({ a, b }) => `${a}/${b}`}
      sortBy="state"
      searchable
      empty={<p className="empty">{t('topology.noLinks')}</p>}
    />
  )
}
