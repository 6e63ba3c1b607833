import type { IncidentDetail } from '../../../node-core/contract/incidents-schemas.ts'
import { incidentById } from '../../state/heal.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Facts, Notice, PageHead, Panel } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { INCIDENT_TONES } from '../../view/heal-tones.ts'
import { useHealWords } from '../../view/heal-words.ts'
import { Ago, Kind, NodeLink, SeverityMark } from '../../view/parts.tsx'
import { PeopleActions } from './people-actions.tsx'
import { Repairs } from './repairs.tsx'
import { Timeline } from './timeline.tsx'
import './incidents.css'

/** One incident from its first evidence to the proof that it is over, and what people do about it. */
export function IncidentPage({ id }: { readonly id: string }) {
  const t = useText()
  const words = useHealWords()
  const known = useKnown(incidentById(id))
  return (
    <WhenKnown known={known} lines={8}>
      {(incident) => (
        <>
          <PageHead
            before={
              <p className="crumbs">
                <a href={hrefOf('incidents')}>{t('nav.incidents')}</a>
              </p>
            }
            title={words.title(incident)}
            lead={
              <span className="row">
                <StateMark
                  tone={INCIDENT_TONES[incident.state]}
                  label={t(`incident.${incident.state}`)}
                  pill
                />
                <SeverityMark severity={incident.severity} />
                <span>{words.subject(incident.subject)}</span>
              </span>
            }
          />
          <PeopleActions incident={incident} />
          <div className="incident-grid">
            <div className="stack stack-l">
              <Diagnosis incident={incident} />
              <Repairs id={incident.id} isOver={incident.state === 'resolved'} />
              <Evidence incident={incident} />
            </div>
            <div className="stack stack-l">
              <IncidentFacts incident={incident} />
              <Panel title={t('incident.timeline')}>
                <Timeline timeline={incident.timeline} />
              </Panel>
              <Notes incident={incident} />
            </div>
          </div>
        </>
      )}
    </WhenKnown>
  )
}

interface Props {
  readonly incident: IncidentDetail
}

function Diagnosis({ incident }: Props) {
  const t = useText()
  const words = useHealWords()
  const remedy = words.remedy(incident.code, incident.remedy)
  // By what it is known stands below, as evidence.
  const diagnosis =
    incident.diagnosis === null
      ? t('incident.notDiagnosed')
      : (words.meaning(incident.code) ?? incident.diagnosis)
  return (
    <Panel title={t('incident.diagnosis')}>
      <div className="stack">
        <p>{diagnosis}</p>
        {remedy !== null && (
          <Notice tone="info" label={t('incident.remedy')}>
            <p>{remedy}</p>
          </Notice>
        )}
        {incident.consequences.length > 0 && (
          <div>
            <h3>{t('incident.consequences')}</h3>
            <ul className="small">
              {incident.consequences.map(({ code, subject }) => (
                <li key={`${code}-${subject.text}`}>
                  {words.subject(subject)} <span className="quiet mono tiny">{code}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Panel>
  )
}

function Evidence({ incident }: Props) {
  const t = useText()
  const format = useFormat()
  return (
    <Panel title={t('incident.evidence')}>
      <ul className="stack small">
        {incident.evidence.map(({ text, at, witness, figure }) => (
          <li key={`${at}-${witness.peer}-${text}`}>
            <p>{text}</p>
            <p className="row quiet tiny">
              <Ago at={at} />
              <span>{t('incident.witness', { who: witness.name ?? witness.peer })}</span>
              {figure !== null && (
                <>
                  <span>
                    {figure.name} {format.number(figure.value)} {figure.unit}
                  </span>
                  <Kind kind={figure.kind} />
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function IncidentFacts({ incident }: Props) {
  const t = useText()
  const format = useFormat()
  const { firstEvidenceAt, resolvedAt, coordinator, subject, confidence } = incident
  return (
    <Panel title={t('incident.facts')}>
      <Facts
        items={[
          [
            t('incident.code'),
            <span key="code" className="mono">
              {incident.code}
            </span>,
          ],
          [
            t('incident.about'),
            subject.nodes.length === 0 ? (
              t('incident.wholeMesh')
            ) : (
              <span key="nodes" className="row">
                {subject.nodes.map(({ peer, name }) => (
                  <NodeLink key={peer} name={name ?? peer} />
                ))}
              </span>
            ),
          ],
          [t('incident.confidence'), format.share(confidence)],
          [t('incident.first'), <Ago key="first" at={firstEvidenceAt} />],
          [
            t('incident.repairTime'),
            resolvedAt === null ? t('incident.notYet') : format.milliseconds(resolvedAt - firstEvidenceAt),
          ],
          [t('incident.coordinator'), coordinator.name ?? coordinator.peer],
          [t('incident.owner'), incident.owner ?? t('none')],
          [
            t('incident.silenced'),
            incident.silencedUntil === null ? t('no') : format.dateTime(incident.silencedUntil),
          ],
        ]}
      />
    </Panel>
  )
}

function Notes({ incident }: Props) {
  const t = useText()
  if (incident.notes.length === 0) return null
  return (
    <Panel title={t('incident.notes')}>
      <ul className="stack small">
        {incident.notes.map(({ by, at, text }) => (
          <li key={`${at}-${text}`}>
            <p>{text}</p>
            <p className="row quiet tiny">
              <span>{by}</span>
              <Ago at={at} />
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  )
}
