import { lazy, Suspense } from 'react'
import { lastHour, seriesList } from '../../state/history.ts'
import { useKnown } from '../../state/resource.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'

// The drawing library is as large as the rest of the page: it comes when there is something to draw.
const SeriesChart = lazy(async () => ({ default: (await import('../../view/series-chart.tsx')).SeriesChart }))
const MAX_CHARTS = 8

/** The last hour of everything that is measured about a node. */
export function SeriesPanel({ peer }: { readonly peer: string }) {
  const t = useText()
  const known = useKnown(seriesList)
  const names = new Map(useTopic('members')?.map((member) => [member.peer, member.name]))
  return (
    <Panel title={t('series.title')}>
      <WhenKnown known={known}>
        {(all) => {
          const own = all.filter(({ subject }) =>
            subject.kind === 'link'
              ? subject.ends.some((end) => end === peer)
              : (subject.kind === 'node' || subject.kind === 'part') && subject.peer === peer,
          )
          return own.length === 0 ? (
            <p className="quiet">{t('series.none')}</p>
          ) : (
            <div className="grid-even">
              {own.slice(0, MAX_CHARTS).map(({ key, metric, subject }) => (
                <div key={key}>
                  <h3>
                    <span className="mono">{metric}</span>{' '}
                    {subject.kind === 'link' && subject.ends.map((end) => names.get(end) ?? end).join(' – ')}
                  </h3>
                  <OneSeries id={key} label={metric} />
                </div>
              ))}
            </div>
          )
        }}
      </WhenKnown>
    </Panel>
  )
}

function OneSeries({ id, label }: { readonly id: string; readonly label: string }) {
  const known = useKnown(lastHour(id))
  return (
    <WhenKnown known={known}>
      {(result) => (
        <Suspense fallback={<Skeleton />}>
          <SeriesChart result={result} label={label} />
        </Suspense>
      )}
    </WhenKnown>
  )
}
