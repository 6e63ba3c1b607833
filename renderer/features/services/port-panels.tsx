import { useState } from 'react'
import { showToast, useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, CopyButton } from '../../ui/controls.tsx'
import { Empty, Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { DataTable } from '../../ui/table.tsx'

interface Port {
  readonly host: string
  readonly port: number
  readonly state: 'listening' | 'failed'
  readonly flows: number
  readonly detail: string | null
  readonly to: string | undefined
}

/** The local ports that lead to services. */
export function ForwardPanel() {
  const t = useText()
  const forwards = useTopic('forwards')
  const rows = forwards?.map((forward): Port => {
    const { service, node } = forward
    return { ...forward, to: node === null ? service : `${service}@${node}` }
  })
  const { run, problem } = useAction()
  return (
    <Panel title={t('forwards.title')} flush>
      <PortTable
        id="forwards"
        label={t('forwards.title')}
        rows={rows}
        none={t('forwards.none')}
        problem={problem}
        onRemove={(port) =>
          void run((client) => client.forwards.remove({ port })).then((done) => {
            if (done) showToast('good', t('forwards.removed', { port: String(port) }))
          })
        }
      />
    </Panel>
  )
}

/** The local ports at which clients name the service themselves. */
export function SocksPanel() {
  const t = useText()
  const socks = useTopic('socks')
  const may = useMay('operator')
  const { run, busy, problem } = useAction()
  const [opened, setOpened] = useState(false)
  return (
    <Panel
      title={t('socks.title')}
      flush
      aside={
        may && (
          <ActionButton
            variant="subtle"
            icon="plus"
            busy={busy}
            onClick={() =>
              void run((client) => client.socks.add({ port: 0 })).then((done) => setOpened(done))
            }
          >
            {t('socks.add')}
          </ActionButton>
        )
      }
    >
      <span className="sr-only" role="status">
        {opened ? t('socks.added') : ''}
      </span>
      <PortTable
        id="socks"
        label={t('socks.title')}
        rows={socks?.map((one) => ({ ...one, to: undefined }))}
        none={t('socks.none')}
        problem={problem}
        onRemove={(port) => void run((client) => client.socks.remove({ port }))}
      />
    </Panel>
  )
}

interface PortTableProps {
  readonly id: string
  readonly label: string
  readonly rows: readonly Port[] | undefined
  readonly none: string
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | undefined
  readonly onRemove: (port: number) => void
}

function PortTable({ id, label, rows, none, problem, onRemove }: PortTableProps) {
  const t = useText()
  const may = useMay('operator')
  if (rows === undefined) {
    return (
      <div className="panel-body">
        <Skeleton />
      </div>
    )
  }
  const withTarget = rows.some(({ to }) => to !== undefined)
  return (
    <>
      {problem !== undefined && (
        <div className="panel-body">
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        </div>
      )}
      <DataTable
        id={id}
        label={label}
        rows={rows}
        rowKey={({ port }) => String(port)}
        empty={<Empty icon="plug" title={none} />}
        columns={[
          {
            key: 'address',
            label: t('forwards.address'),
            value: ({ port }) => port,
            cell: ({ host, port }) => (
              <span className="row">
                <code className="nowrap">{`${host}:${port}`}</code>
                <CopyButton text={`${host}:${port}`} label={t('forwards.copy', { port: String(port) })} />
              </span>
            ),
          },
          ...(withTarget
            ? [
                {
                  key: 'to',
                  label: t('forwards.to'),
                  value: ({ to }: Port) => to ?? null,
                  cell: ({ to }: Port) => to,
                },
              ]
            : []),
          {
            key: 'state',
            label: t('state'),
            value: ({ state }) => state,
            cell: ({ state, detail }) => (
              <span className="row">
                <StateMark tone={state === 'listening' ? 'good' : 'bad'} label={t(`forwards.${state}`)} />
                {detail !== null && <span className="quiet">{detail}</span>}
              </span>
            ),
          },
          {
            key: 'flows',
            label: t('forwards.flows'),
            end: true,
            value: ({ flows }) => flows,
            cell: ({ flows }) => flows,
          },
          {
            key: 'actions',
            label: t('actions'),
            cell: ({ port }) =>
              may && (
                <ActionButton
                  variant="subtle"
                  icon="trash"
                  label={t('forwards.removeNamed', { port: String(port) })}
                  onClick={() => onRemove(port)}
                >
                  {t('remove')}
                </ActionButton>
              ),
          },
        ]}
      />
    </>
  )
}
