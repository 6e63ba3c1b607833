import { useSelf, useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { Empty, PageHead, Panel } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { Skeleton } from '../../ui/skeleton.tsx'
import { toneRank } from '../../ui/tones.ts'
import { LinkTable } from '../../view/link-table.tsx'
import { LINK_TONES } from '../../view/tones.ts'
import { Cards } from './cards.tsx'
import { HealthItems } from './health-items.tsx'
import { ActiveIncidents, RecentActions } from './incident-panels.tsx'
import { SmallMap } from './small-map.tsx'
import './overview.css'

const WORST = 6

/** The first look: how things are, what wants attention, where. */
export function OverviewPage() {
  const t = useText()
  const node = useSelf()
  return (
    <>
      <PageHead
        title={node?.mesh ?? t('nav.overview')}
        lead={node === undefined ? undefined : t('overview.lead', { name: node.name, version: node.version })}
      />
      <Cards />
      <HealthItems />
      <div className="grid-2">
        <ActiveIncidents />
        <SmallMap />
      </div>
      <div className="grid-even">
        <WorstLinks />
        <RecentActions />
      </div>
    </>
  )
}

function WorstLinks() {
  const t = useText()
  const links = useTopic('links')
  const worst = [...(links ?? [])].sort(
    (a, b) =>
      toneRank(LINK_TONES[a.state]) - toneRank(LINK_TONES[b.state]) || (b.rttMs ?? 0) - (a.rttMs ?? 0),
  )
  return (
    <Panel
      title={t('overview.worstLinks')}
      flush
      aside={
        <a className="small" href={hrefOf('links')}>
          {t('viewAll')}
        </a>
      }
    >
      {links === undefined ? (
        <div className="panel-body">
          <Skeleton lines={4} />
        </div>
      ) : (
        <LinkTable
          id="worst"
          links={worst.slice(0, WORST)}
          brief
          empty={
            <Empty icon="links" title={t('links.none')}>
              <p>{t('links.noneHint')}</p>
            </Empty>
          }
        />
      )}
    </Panel>
  )
}
