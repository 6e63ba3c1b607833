import type { ConfigChange } from '../../../node-core/contract/config-schemas.ts'
import { useText } from '../../text/text.ts'

/** What would be another: before and after, one line each, with a sign beside the colour. */
export function ChangeList({ changes }: { readonly changes: readonly ConfigChange[] }) {
  const t = useText()
  if (changes.length === 0) return <p className="quiet">{t('config.noChanges')}</p>
  return (
    <ul className="changes">
      {changes.map(({ path, before, after, restart }) => (
        <li key={path}>
          <p className="row">
            <span className="mono strong">{path}</span>
            {restart && <span className="tag">{t('config.restart')}</span>}
          </p>
          {before !== null && <Line sign="−" kind="before" value={before} />}
          {after !== null && <Line sign="+" kind="after" value={after} />}
        </li>
      ))}
    </ul>
  )
}

interface LineProps {
  readonly sign: string
  readonly kind: 'before' | 'after'
  readonly value: ConfigChange['after']
}

function Line({ sign, kind, value }: LineProps) {
  const t = useText()
  return (
    <p className={`mono change-${kind}`}>
      <span aria-hidden="true">{sign} </span>
      <span className="sr-only">{t(`config.${kind}`)} </span>
      {typeof value === 'string' ? value : JSON.stringify(value)}
    </p>
  )
}
