import type { IncidentDetail, IncidentItem } from '../../contract/incidents-schemas.ts'
import type { Paint } from './style.ts'
import { type Cell, renderTable } from './table.ts'
import { formatFromNow } from './time.ts'

const SEVERITY_TONES = { critical: 'red', warning: 'yellow', info: undefined } as const

export function renderIncidents(paint: Paint, incidents: readonly IncidentItem[], now: number): string {
  const rows = incidents.map((incident): Cell[] => {
    const tone = incident.state === 'resolved' ? undefined : SEVERITY_TONES[incident.severity]
    return [
      incident.id,
      tone === undefined ? incident.severity : { text: incident.severity, tone },
      incident.state,
      incident.title,
      incident.explains === 0 ? '-' : String(incident.explains),
      formatFromNow(incident.firstEvidenceAt, now),
      incident.owner ?? incident.acknowledgedBy ?? '-',
    ]
  })
  return renderTable(paint, ['ID', 'SEVERITY', 'STATE', 'WHAT', 'EXPLAINS', 'SINCE', 'WHO'], rows)
}

const time = (at: number): string => new Date(at).toISOString().slice(11, 23)

export function renderIncident(incident: IncidentDetail, now: number): string {
  const { people, sure } = {
    people: [
      incident.acknowledgedBy === null ? [] : `seen by ${incident.acknowledgedBy}`,
      incident.owner === null ? [] : `owned by ${incident.owner}`,
      incident.silencedUntil !== null && incident.silencedUntil > now
        ? `silent until ${new Date(incident.silencedUntil).toISOString()}`
        : [],
    ].flat(),
    sure: `${Math.round(100 * incident.confidence)} % sure`,
  }
  const names = incident.witnesses.map(({ name, peer }) => name ?? peer).join(', ')
  return [
    `${incident.title} (${incident.id})`,
    `${incident.severity}, ${incident.state}, ${sure}, since ${formatFromNow(incident.firstEvidenceAt, now)}`,
    ...(people.length === 0 ? [] : [people.join(', ')]),
    '',
    incident.diagnosis ?? 'The cause is not known yet.',
    ...(incident.remedy === null ? [] : [`What to do: ${incident.remedy}`]),
    `Seen by ${names}; ${incident.coordinator.name ?? incident.coordinator.peer} takes care of it.`,
    ...(incident.consequences.length === 0
      ? []
      : [
          '',
          'It explains:',
          ...incident.consequences.map(({ code, subject }) => `  ${subject.text}: ${code}`),
        ]),
    '',
    ...incident.timeline.map(
      ({ at, kind, text, actor }) =>
        `${time(at)}  ${kind.padEnd(12)}  ${actor === null ? '' : `${actor}: `}${text}`,
    ),
  ].join('\n')
}
