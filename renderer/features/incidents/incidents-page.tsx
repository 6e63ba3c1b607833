import { SEVERITIES } from '../../../node-core/domain/symptom.ts'
import { allIncidents } from '../../state/heal.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { Choice } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Empty, PageHead, Panel } from '../../ui/panel.tsx'
import { useFilter } from '../../ui/route.ts'
import { IncidentTable } from '../../view/incident-table.tsx'
import { IncidentPage } from './incident-page.tsx'

export function IncidentsPage({ id }: { readonly id: string | undefined }) {
  return id === undefined ? <IncidentList /> : <IncidentPage id={id} />
}

function IncidentList() {
  const t = useText()
  const known = useKnown(allIncidents)
  const [which, setWhich] = useFilter('which')
  const [severity, setSeverity] = useFilter('severity')
  return (
    <>
      <PageHead title={t('nav.incidents')} lead={t('incidents.lead')} />
      <Panel title={t('incidents.table')} flush>
        <WhenKnown known={known}>
          {(all) => (
            <IncidentTable
              id="incidents"
              incidents={all.filter(
                (one) =>
                  (which === 'all' || one.state !== 'resolved') &&
                  (severity === '' || one.severity === severity),
              )}
              searchable
              tools={
                <>
                  <Choice
                    label={t('incidents.which')}
                    hideLabel
                    value={which}
                    onChange={setWhich}
                    options={[
                      { value: '', label: t('incidents.open') },
                      { value: 'all', label: t('incidents.all') },
                    ]}
                  />
                  <Choice
                    label={t('incidents.severity')}
                    hideLabel
                    value={severity}
                    onChange={setSeverity}
                    options={[
                      { value: '', label: t('incidents.anySeverity') },
                      ...SEVERITIES.map((value) => ({ value, label: t(`severity.${value}`) })),
                    ]}
                  />
                </>
              }
              empty={
                <Empty icon="incidents" title={t('incidents.none')}>
                  <p>{t('incidents.noneHint')}</p>
                </Empty>
              }
            />
          )}
        </WhenKnown>
      </Panel>
    </>
  )
}
