import { openIncidents, recentPlans } from '../../state/heal.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { WhenKnown } from '../../ui/known.tsx'
import { Empty, Panel } from '../../ui/panel.tsx'
import { hrefOf } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { PLAN_TONES } from '../../view/heal-tones.ts'
import { useHealWords } from '../../view/heal-words.ts'
import { IncidentTable } from '../../view/incident-table.tsx'
import { Ago } from '../../view/parts.tsx'

const MOST = 6

export function ActiveIncidents() {
  const t = useText()
  const known = useKnown(openIncidents)
  return (
    <Panel
      title={t('overview.incidents')}
      flush
      aside={
        <a className="small" href={hrefOf('incidents')}>
          {t('viewAll')}
        </a>
      }
    >
      <WhenKnown known={known}>
        {(incidents) => (
          <IncidentTable
            id="active"
            incidents={incidents.slice(0, MOST)}
            brief
            empty={
              <Empty icon="check" title={t('incidents.none')}>
                <p>{t('incidents.noneHint')}</p>
              </Empty>
            }
          />
        )}
      </WhenKnown>
    </Panel>
  )
}

/** What the loop did by itself or by leave of a person, and what came of it. */
export function RecentActions() {
  const t = useText()
  const words = useHealWords()
  const known = useKnown(recentPlans)
  return (
    <Panel title={t('overview.actions')}>
      <WhenKnown known={known}>
        {(plans) =>
          plans.length === 0 ? (
            <p className="quiet">{t('overview.noActions')}</p>
          ) : (
            <ul className="stack small">
              {plans.slice(0, MOST).map((plan) => (
                <li key={plan.id} className="row row-apart">
                  <a href={hrefOf('incidents', plan.incident)}>{words.playbook(plan.playbook)}</a>
                  <span className="row">
                    <StateMark tone={PLAN_TONES[plan.state]} label={t(`plan.${plan.state}`)} />
                    <Ago at={plan.endedAt ?? plan.createdAt} />
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </WhenKnown>
    </Panel>
  )
}
