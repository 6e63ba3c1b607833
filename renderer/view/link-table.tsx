import type { ReactNode } from 'react'
import type { TopicItem } from '../../node-core/contract/events-schemas.ts'
import { useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'
import { type Column, DataTable } from '../ui/table.tsx'
import { toneRank } from '../ui/tones.ts'
import { Ago, Kind, LinkMark, NodeLink, SuiteText } from './parts.tsx'
import { LINK_TONES } from './tones.ts'

type Link = TopicItem<'links'>

interface LinkTableProps {
  readonly id: string
  readonly links: readonly Link[]
  readonly searchable?: boolean
  readonly tools?: ReactNode
  readonly empty: ReactNode
  /** Fewer columns, where the table stands beside something else. */
  readonly brief?: boolean
}

/** The links of this node, the worst first. */
export function LinkTable({ id, links, searchable = false, tools, empty, brief = false }: LinkTableProps) {
  const t = useText()
  const format = useFormat()
  const columns: readonly Column<Link>[] = [
    {
      key: 'name',
      label: t('links.peer'),
      value: ({ name }) => name,
      cell: ({ name }) => <NodeLink name={name} />,
    },
    {
      key: 'state',
      label: t('state'),
      value: ({ state }) => toneRank(LINK_TONES[state]),
      cell: ({ state }) => <LinkMark state={state} />,
    },
    {
      key: 'rtt',
      label: t('links.rtt'),
      end: true,
      value: ({ rttMs }) => rttMs,
      cell: ({ rttMs }) => format.milliseconds(rttMs),
    },
    {
      key: 'loss',
      label: t('links.loss'),
      end: true,
      value: ({ lossEstimate }) => lossEstimate,
      cell: ({ lossEstimate }) => (
        <>
          {format.share(lossEstimate)} {!brief && <Kind kind="estimated" />}
        </>
      ),
    },
  ]
  const more: readonly Column<Link>[] = [
    {
      key: 'jitter',
      label: t('links.jitter'),
      end: true,
      value: ({ jitterMs }) => jitterMs,
      cell: ({ jitterMs }) => format.milliseconds(jitterMs),
    },
    {
      key: 'suite',
      label: t('links.suite'),
      value: ({ suite }) => suite,
      cell: ({ suite }) => <SuiteText suite={suite} />,
    },
    {
      key: 'direction',
      label: t('links.direction'),
      value: ({ direction }) => direction,
      cell: ({ direction }) => (direction === null ? t('unknown') : t(`links.${direction}`)),
    },
    {
      key: 'address',
      label: t('links.address'),
      value: ({ address }) => address,
      cell: ({ address }) => <span className="mono">{address ?? t('unknown')}</span>,
    },
    {
      key: 'since',
      label: t('links.since'),
      value: ({ sinceAt }) => sinceAt,
      cell: ({ sinceAt }) => <Ago at={sinceAt} />,
    },
  ]
  return (
    <DataTable
      id={id}
      label={t('links.table')}
      rows={links}
      columns={brief ? columns : [...columns, ...more]}
      rowKey={({ peer }) => peer}
      sortBy="state"
      searchable={searchable}
      tools={tools}
      empty={empty}
    />
  )
}
