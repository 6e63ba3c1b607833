import { LINK_STATES } from '../../../node-core/domain/link.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { Choice } from '../../ui/controls.tsx'
import { Empty, PageHead, Panel } from '../../ui/panel.tsx'
import { useFilter } from '../../ui/route.ts'
import { Skeleton } from '../../ui/skeleton.tsx'
import { LinkTable } from '../../view/link-table.tsx'

export function LinksPage() {
  const t = useText()
  const links = useTopic('links')
  const [state, setState] = useFilter('state')
  const shown = links?.filter((link) => state === '' || link.state === state)
  return (
    <>
      <PageHead title={t('nav.links')} lead={t('links.lead')} />
      <Panel title={t('links.table')} flush>
        {shown === undefined ? (
          <div className="panel-body">
            <Skeleton lines={5} />
          </div>
        ) : (
          <LinkTable
            id="links"
            links={shown}
            searchable
            empty={
              <Empty icon="links" title={t('links.none')}>
                <p>{t('links.noneHint')}</p>
              </Empty>
            }
            tools={
              <Choice
                label={t('links.filterState')}
                hideLabel
                value={state}
                onChange={setState}
                options={[
                  { value: '', label: t('links.allStates') },
                  ...LINK_STATES.map((value) => ({ value, label: t(`link.${value}`) })),
                ]}
              />
            }
          />
        )}
      </Panel>
    </>
  )
}
