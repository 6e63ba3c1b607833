import { useEffect, useRef, useState } from 'react'
import type { TopicItem } from '../../../node-core/contract/events-schemas.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Panel } from '../../ui/panel.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { Ago, Kind, NodeLink } from '../../view/parts.tsx'

type Flow = TopicItem<'flows'>

interface Rates {
  readonly up: number
  readonly down: number
}

const RATE_EVERY_MS = 1_000

/** What the flows carried in the last second, from the bytes that they have counted. */
function useRates(flows: readonly Flow[]): ReadonlyMap<string, Rates> {
  const latest = useRef(flows)
  latest.current = flows
  const [rates, setRates] = useState<ReadonlyMap<string, Rates>>(new Map())
  useEffect(() => {
    let before = new Map(latest.current.map((flow) => [flow.id, flow]))
    let at = performance.now()
    const timer = setInterval(() => {
      const seconds = (performance.now() - at) / 1_000
      at = performance.now()
      const next = new Map<string, Rates>()
      for (const flow of latest.current) {
        const old = before.get(flow.id) ?? flow
        next.set(flow.id, {
          up: (flow.toProviderBytes - old.toProviderBytes) / seconds,
          down: (flow.toClientBytes - old.toClientBytes) / seconds,
        })
      }
      before = new Map(latest.current.map((flow) => [flow.id, flow]))
      setRates(next)
    }, RATE_EVERY_MS)
    return () => clearInterval(timer)
  }, [])
  return rates
}

/** The connections that are carried now. */
export function FlowPanel() {
  const t = useText()
  const flows = useTopic('flows')
  return (
    <Panel title={t('flows.title')} aside={<Kind kind="measured" />} flush>
      {flows === undefined ? (
        <div className="panel-body">
          <Skeleton />
        </div>
      ) : (
        <FlowTable flows={flows} />
      )}
    </Panel>
  )
}

function FlowTable({ flows }: { readonly flows: readonly Flow[] }) {
  const t = useText()
  const format = useFormat()
  const rates = useRates(flows)
  const names = new Map(useTopic('members')?.map(({ peer, name }) => [peer, name]))
  const columns: readonly Column<Flow>[] = [
    {
      key: 'service',
      label: t('flows.service'),
      value: ({ service }) => service,
      cell: ({ service }) => service,
    },
    {
      key: 'side',
      label: t('flows.side'),
      value: ({ side }) => side,
      cell: ({ side }) => t(`flows.${side}`),
    },
    {
      key: 'peer',
      label: t('flows.peer'),
      value: ({ peer }) => names.get(peer) ?? peer,
      cell: ({ peer }) => <NodeLink name={names.get(peer) ?? peer} />,
    },
    {
      key: 'up',
      label: t('flows.toProvider'),
      end: true,
      value: ({ toProviderBytes }) => toProviderBytes,
      cell: ({ id, toProviderBytes }) => (
        <Traffic rate={rates.get(id)?.up} total={format.bytes(toProviderBytes)} />
      ),
    },
    {
      key: 'down',
      label: t('flows.toClient'),
      end: true,
      value: ({ toClientBytes }) => toClientBytes,
      cell: ({ id, toClientBytes }) => (
        <Traffic rate={rates.get(id)?.down} total={format.bytes(toClientBytes)} />
      ),
    },
    {
      key: 'since',
      label: t('flows.since'),
      value: ({ startedAt }) => startedAt,
      cell: ({ startedAt }) => <Ago at={startedAt} />,
    },
  ]
  return (
    <DataTable
      id="flows"
      label={t('flows.title')}
      rows={flows}
      columns={columns}
      rowKey={({ id }) => id}
      sortBy="since"
      empty={<p className="empty">{t('flows.none')}</p>}
    />
  )
}

function Traffic({ rate, total }: { readonly rate: number | undefined; readonly total: string }) {
  const format = useFormat()
  return (
    <>
      {format.bytesPerSecond(rate ?? null)} <span className="quiet tiny">{total}</span>
    </>
  )
}
