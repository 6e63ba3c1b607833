import { useState } from 'react'
import type { AuditEntryView } from '../../../node-core/contract/audit-schemas.ts'
import { auditLog } from '../../state/audit.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Dialog } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Facts, PageHead, Panel } from '../../ui/panel.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import type { Tone } from '../../ui/tones.ts'
import { Ago } from '../../view/parts.tsx'
import { VerifyPanel } from './verify-panel.tsx'

const OUTCOME_TONES: Readonly<Record<AuditEntryView['outcome'], Tone>> = {
  done: 'good',
  failed: 'bad',
  interrupted: 'attention',
}

const actorText = ({ actor }: AuditEntryView): string => `${actor.name} (${actor.via})`

/** Who changed what at this node, and whether that log is whole. */
export function AuditPage() {
  const t = useText()
  const known = useKnown(auditLog)
  const [opened, setOpened] = useState<AuditEntryView>()
  return (
    <>
      <PageHead title={t('nav.audit')} lead={t('audit.lead')} />
      <VerifyPanel />
      <Panel title={t('audit.table')} flush>
        <WhenKnown known={known}>
          {(entries) => <EntryTable entries={entries} onOpen={setOpened} />}
        </WhenKnown>
      </Panel>
      {opened !== undefined && <EntryDialog entry={opened} onClose={() => setOpened(undefined)} />}
    </>
  )
}

interface EntryTableProps {
  readonly entries: readonly AuditEntryView[]
  readonly onOpen: (entry: AuditEntryView) => void
}

function EntryTable({ entries, onOpen }: EntryTableProps) {
  const t = useText()
  const columns: readonly Column<AuditEntryView>[] = [
    { key: 'at', label: t('audit.at'), value: ({ at }) => -at, cell: ({ at }) => <Ago at={at} /> },
    {
      key: 'operation',
      label: t('audit.operation'),
      value: ({ operation }) => operation,
      cell: ({ operation }) => <span className="mono">{operation}</span>,
    },
    { key: 'actor', label: t('audit.actor'), value: actorText, cell: actorText },
    { key: 'role', label: t('nodes.role'), value: ({ role }) => role, cell: ({ role }) => role },
    {
      key: 'outcome',
      label: t('audit.outcome'),
      value: ({ outcome }) => outcome,
      cell: ({ outcome }) => <StateMark tone={OUTCOME_TONES[outcome]} label={t(`audit.${outcome}`)} />,
    },
    {
      key: 'actions',
      label: t('actions'),
      cell: (entry) => (
        <ActionButton
          variant="subtle"
          label={t('audit.openNumber', { number: String(entry.seq) })}
          onClick={() => onOpen(entry)}
        >
          {t('audit.open')}
        </ActionButton>
      ),
    },
  ]
  return (
    <DataTable
      id="audit"
      label={t('audit.table')}
      rows={entries}
      columns={columns}
      rowKey={({ seq }) => String(seq)}
      sortBy="at"
      searchable
      empty={<p className="empty">{t('audit.none')}</p>}
    />
  )
}

function EntryDialog({ entry, onClose }: { readonly entry: AuditEntryView; readonly onClose: () => void }) {
  const t = useText()
  const format = useFormat()
  const texts = (['input', 'before', 'after'] as const).filter(
    (part) => entry[part] !== null && entry[part] !== undefined,
  )
  return (
    <Dialog title={t('audit.entry', { number: String(entry.seq) })} onClose={onClose} wide>
      <div className="stack stack-l">
        <Facts
          items={[
            [t('audit.at'), format.dateTime(entry.at)],
            [t('audit.operation'), <code key="operation">{entry.operation}</code>],
            [t('audit.actor'), actorText(entry)],
            [t('nodes.role'), entry.role],
            [
              t('audit.outcome'),
              <StateMark
                key="outcome"
                tone={OUTCOME_TONES[entry.outcome]}
                label={t(`audit.${entry.outcome}`)}
              />,
            ],
            [t('audit.detail'), entry.detail ?? t('none')],
            [t('audit.correlation'), <code key="correlation">{entry.correlation}</code>],
          ]}
        />
        {texts.map((part) => (
          <div key={part}>
            <h3>{t(`audit.${part}`)}</h3>
            <pre className="audit-text mono small">{JSON.stringify(entry[part], null, 2)}</pre>
          </div>
        ))}
      </div>
    </Dialog>
  )
}
