import { useSelf } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { Panel } from '../../ui/panel.tsx'
import { SeverityMark } from '../../view/parts.tsx'

const ORDER = ['critical', 'warning', 'info'] as const

/** What the node has to say about itself, the most urgent first; nothing where it has nothing to say. */
export function HealthItems() {
  const t = useText()
  const items = useSelf()?.health ?? []
  const shown = items
    .filter(({ severity }) => severity !== 'info')
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
  if (shown.length === 0) return null
  return (
    <Panel title={t('overview.health')}>
      <ul className="stack">
        {shown.map((item) => (
          <li key={item.code} className="row">
            <SeverityMark severity={item.severity} />
            <span className="grow">{item.title}</span>
            {item.impactsConnectivity && <span className="tag">{t('health.connectivity')}</span>}
          </li>
        ))}
      </ul>
    </Panel>
  )
}
