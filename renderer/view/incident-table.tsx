import type { ReactNode } from 'react'
import type { IncidentItem } from '../../node-core/contract/incidents-schemas.ts'
import { SEVERITIES } from '../../node-core/domain/symptom.ts'
import { useText } from '../text/text.ts'
import { hrefOf } from '../ui/route.ts'
import { StateMark } from '../ui/state-mark.tsx'
import { type Column, DataTable } from '../ui/table.tsx'
import { INCIDENT_TONES } from './heal-tones.ts'
import { useHealWords } from './heal-words.ts'
import { Ago, SeverityMark } from './parts.tsx'

interface IncidentTableProps {
  readonly id: string
  readonly incidents: readonly IncidentItem[]
  readonly searchable?: boolean
  readonly brief?: boolean
  readonly tools?: ReactNode
  readonly empty: ReactNode
}

/** Incidents, the urgent ones first. */
export function IncidentTable(props: IncidentTableProps) {
  const { id, incidents, searchable = false, brief = false, tools, empty } = props
  const t = useText()
  const words = useHealWords()
  const columns: readonly Column<IncidentItem>[] = [
    {
      key: 'title',
      label: t('incidents.what'),
      value: (incident) => words.title(incident),
      cell: (incident) => (
        <>
          <a href={hrefOf('incidents', incident.id)}>{words.title(incident)}</a>
          <span className="quiet tiny block">{words.meaning(incident.code) ?? incident.subject.text}</span>
        </>
      ),
    },
    {
      key: 'severity',
      label: t('incidents.severity'),
      value: ({ severity }) => SEVERITIES.indexOf(severity),
      cell: ({ severity }) => <SeverityMark severity={severity} />,
    },
    {
      key: 'state',
      label: t('state'),
      value: ({ state }) => state,
      cell: ({ state }) => <StateMark tone={INCIDENT_TONES[state]} label={t(`incident.${state}`)} />,
    },
    {
      key: 'since',
      label: t('incidents.since'),
      value: ({ firstEvidenceAt }) => -firstEvidenceAt,
      cell: ({ firstEvidenceAt }) => <Ago at={firstEvidenceAt} />,
    },
  ]
  const more: readonly Column<IncidentItem>[] = [
    {
      key: 'owner',
      label: t('incidents.owner'),
      value: ({ owner }) => owner,
      cell: ({ owner, acknowledgedBy }) =>
        owner ??
        (acknowledgedBy === null ? t('incidents.unseen') : t('incidents.seenBy', { who: acknowledgedBy })),
    },
    {
      key: 'explains',
      label: t('incidents.explains'),
      end: true,
      value: ({ explains }) => explains,
      cell: ({ explains }) => explains,
    },
  ]
  return (
    <DataTable
      id={id}
      label={t('incidents.table')}
      rows={incidents}
      columns={brief ? columns : [...columns, ...more]}
      rowKey={({ id: key }) => key}
      sortBy="severity"
      searchable={searchable}
      tools={tools}
      empty={empty}
    />
  )
}
