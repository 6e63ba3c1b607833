import type { IncidentDetail } from '../../../node-core/contract/incidents-schemas.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Icon, type IconName } from '../../ui/icon.tsx'

const ICONS: Readonly<Record<IncidentDetail['timeline'][number]['kind'], IconName>> = {
  evidence: 'eye',
  diagnosis: 'search',
  proposal: 'playbooks',
  approval: 'check',
  step: 'bolt',
  verification: 'shield',
  state: 'clock',
  person: 'person',
}

/** All that happened, in order: from the first evidence to the proof that it is over. */
export function Timeline({ timeline }: Pick<IncidentDetail, 'timeline'>) {
  const t = useText()
  const format = useFormat()
  const seen = new Map<string, number>()
  return (
    <ol className="timeline">
      {timeline.map((entry) => {
        // Two entries of one moment may be alike.
        const name = `${entry.at}-${entry.kind}-${entry.text}`
        const count = (seen.get(name) ?? 0) + 1
        seen.set(name, count)
        return (
          <li key={`${name}-${count}`} className={`timeline-${entry.kind}`}>
            <span className="timeline-icon">
              <Icon name={ICONS[entry.kind]} size={14} />
            </span>
            <div className="grow">
              <p className="row row-apart">
                <span className="tiny strong quiet">{t(`timeline.${entry.kind}`)}</span>
                <time
                  className="tiny quiet"
                  dateTime={new Date(entry.at).toISOString()}
                  title={format.dateTime(entry.at)}
                >
                  {format.time(entry.at)}
                </time>
              </p>
              <p>{entry.text}</p>
              {entry.actor !== null && (
                <p className="tiny quiet">{t('timeline.by', { actor: entry.actor })}</p>
              )}
            </div>
          </li>
        )
      })}
    </ol>
  )
}
