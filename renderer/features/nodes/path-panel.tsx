import { routesTo, traceTo } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Icon } from '../../ui/icon.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { HopList } from '../../view/hop-list.tsx'
import type { Member } from '../../view/tones.ts'

/** How this node reaches the other one, and how the other one would answer. */
export function PathPanel({ member }: { readonly member: Member }) {
  const t = useText()
  const format = useFormat()
  const trace = useKnown(traceTo(member.peer))
  const routes = useKnown(routesTo(member.peer))
  return (
    <Panel
      title={t('path.title')}
      aside={
        <a className="small row" href={hrefOf('topology', member.name)}>
          <Icon name="topology" size={15} />
          {t('path.onMap')}
        </a>
      }
    >
      <WhenKnown known={trace}>
        {({ forward, back, reached }) => (
          <div className="stack">
            {!reached && <p>{t('path.none')}</p>}
            {reached && <HopList title={t('path.forward')} hops={forward} />}
            {reached && <HopList title={t('path.back')} hops={back} />}
            {routes.value !== undefined && routes.value.paths.length > 1 && (
              <div>
                <h3>{t('path.others')}</h3>
                <ul className="small">
                  {routes.value.paths.slice(1).map((path) => (
                    <li key={path.viaNames.join()} className="quiet">
                      {path.viaNames.length === 0
                        ? t('ping.direct')
                        : t('ping.via', { names: path.viaNames.join(', ') })}
                      {path.costMs !== null &&
                        ` · ${t('path.cost', { cost: format.milliseconds(path.costMs) })}`}
                    </li>
                  ))}
                </ul>
              </div>
            )}
          </div>
        )}
      </WhenKnown>
    </Panel>
  )
}
