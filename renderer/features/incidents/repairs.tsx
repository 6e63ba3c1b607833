import type { IncidentId } from '../../../node-core/domain/ids.ts'
import { whyOf } from '../../state/heal.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Panel } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { useHealWords, useTitleOf } from '../../view/heal-words.ts'
import { PlanCard } from './plan-card.tsx'

/** What is or was done about an incident, the newest first, and what was done about others like it. */
export function Repairs({ id, isOver }: { readonly id: IncidentId; readonly isOver: boolean }) {
  const t = useText()
  const words = useHealWords()
  const titleOf = useTitleOf()
  const format = useFormat()
  const known = useKnown(whyOf(id))
  return (
    <WhenKnown known={known}>
      {({ plans, precedents }) => (
        <>
          {plans.length === 0 && (
            <Panel title={t('plan.none')}>
              <p className="quiet">{isOver ? t('plan.noneNeeded') : t('plan.noneText')}</p>
            </Panel>
          )}
          {[...plans]
            .sort((a, b) => b.createdAt - a.createdAt)
            .map((plan) => (
              <PlanCard key={plan.id} plan={plan} incident={id} />
            ))}
          {precedents.length > 0 && (
            <Panel title={t('incident.precedents')}>
              <ul className="stack small">
                {precedents.map((one) => (
                  <li key={one.id} className="row">
                    <a href={hrefOf('incidents', one.id)}>{titleOf(one.id, one.title)}</a>
                    <span className="quiet">
                      {t('incident.likeness', { share: format.share(one.likeness) })}
                    </span>
                    <span>{t(`incident.${one.state}`)}</span>
                    {one.playbook !== null && <span className="tag">{words.playbook(one.playbook)}</span>}
                  </li>
                ))}
              </ul>
            </Panel>
          )}
        </>
      )}
    </WhenKnown>
  )
}
