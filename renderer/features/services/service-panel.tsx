import { useState } from 'react'
import type { TopicItem } from '../../../node-core/contract/events-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm } from '../../ui/controls.tsx'
import { Empty, Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { toneRank } from '../../ui/tones.ts'
import { NodeLink, ServiceMark } from '../../view/parts.tsx'
import { SERVICE_TONES } from '../../view/tones.ts'
import { ForwardDialog } from './forward-dialog.tsx'

type Service = TopicItem<'services'>

export function ServicePanel() {
  const t = useText()
  const services = useTopic('services')
  const may = useMay('operator')
  const [removing, setRemoving] = useState<Service>()
  const [forwarding, setForwarding] = useState<Service>()
  const columns: readonly Column<Service>[] = [
    { key: 'name', label: t('services.name'), value: ({ name }) => name, cell: ({ name }) => name },
    {
      key: 'state',
      label: t('state'),
      value: ({ state }) => toneRank(SERVICE_TONES[state]),
      cell: ({ state, detail }) => (
        <span className="row">
          <ServiceMark state={state} />
          {detail !== null && <span className="quiet">{detail}</span>}
        </span>
      ),
    },
    {
      key: 'node',
      label: t('services.provider'),
      value: ({ node }) => node,
      cell: ({ node }) => <NodeLink name={node} />,
    },
    {
      key: 'target',
      label: t('services.target'),
      value: ({ target }) => target,
      cell: ({ target }) =>
        target === null ? <span className="quiet">{t('services.targetHidden')}</span> : <code>{target}</code>,
    },
    {
      key: 'check',
      label: t('services.check'),
      value: ({ check }) => check,
      cell: ({ check, local }) =>
        !local ? (
          <span className="quiet">{t('services.targetHidden')}</span>
        ) : check === null ? (
          <span className="quiet">{t('none')}</span>
        ) : (
          <code>{check}</code>
        ),
    },
    {
      key: 'actions',
      label: t('actions'),
      cell: (service) =>
        may && (
          <span className="row">
            {service.local ? (
              <ActionButton
                variant="subtle"
                icon="trash"
                label={t('expose.removeNamed', { name: service.name })}
                onClick={() => setRemoving(service)}
              >
                {t('expose.remove')}
              </ActionButton>
            ) : (
              <ActionButton
                variant="subtle"
                icon="plug"
                label={t('forward.toNamed', { name: service.name, node: service.node })}
                onClick={() => setForwarding(service)}
              >
                {t('forward.do')}
              </ActionButton>
            )}
          </span>
        ),
    },
  ]
  return (
    <Panel title={t('services.table')} flush>
      {services === undefined ? (
        <div className="panel-body">
          <Skeleton lines={4} />
        </div>
      ) : (
        <DataTable
          id="services"
          label={t('services.table')}
          rows={services}
          columns={columns}
          rowKey={({ peer, name }) => `${peer}/${name}`}
          sortBy="name"
          searchable={services.length > 0}
          empty={
            <Empty icon="services" title={t('services.none')}>
              <p>{t('services.noneHint')}</p>
            </Empty>
          }
        />
      )}
      {removing !== undefined && <RemoveDialog service={removing} onClose={() => setRemoving(undefined)} />}
      {forwarding !== undefined && (
        <ForwardDialog service={forwarding} onClose={() => setForwarding(undefined)} />
      )}
    </Panel>
  )
}

function RemoveDialog({ service, onClose }: { readonly service: Service; readonly onClose: () => void }) {
  const t = useText()
  const { run, busy, problem } = useAction()
  const { name } = service
  return (
    <Confirm
      title={t('expose.removeTitle', { name })}
      action={t('expose.remove')}
      danger
      busy={busy}
      onClose={onClose}
      onConfirm={() =>
        void run((client) => client.services.unexpose({ name })).then((done) => {
          if (!done) return
          showToast('good', t('expose.removed', { name }))
          onClose()
        })
      }
    >
      <p>{t('expose.removeText')}</p>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
