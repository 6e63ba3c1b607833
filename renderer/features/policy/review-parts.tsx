import type { AccessChangeView, PolicyReview } from '../../../node-core/contract/policy-schemas.ts'
import { useText } from '../../text/text.ts'
import { Notice } from '../../ui/panel.tsx'
import { StateMark } from '../../ui/state-mark.tsx'

export function PolicyProblems({ problems }: { readonly problems: PolicyReview['problems'] }) {
  const t = useText()
  if (problems.length === 0) return <StateMark tone="good" label={t('policy.valid')} />
  return (
    <Notice tone="bad" label={t('policy.invalid')} alert>
      <ul className="small">
        {problems.map(({ line, message }) => (
          <li key={`${line}-${message}`}>
            <span className="strong">{t('config.line', { line })}</span> {message}
          </li>
        ))}
      </ul>
    </Notice>
  )
}

/** The cases that are written in the document itself: one that fails keeps it from being accepted. */
export function PolicyTests({ tests }: { readonly tests: PolicyReview['tests'] }) {
  const t = useText()
  return (
    <div>
      <h3>{t('policy.tests')}</h3>
      {tests.length === 0 ? (
        <p className="quiet small">{t('policy.noTests')}</p>
      ) : (
        <ul className="stack small">
          {tests.map(({ text, passed, reason }) => (
            <li key={text}>
              <StateMark tone={passed ? 'good' : 'bad'} label={text} />
              <span className="quiet block">{reason}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** Who would be allowed more, and who less, than now. */
export function AccessChanges({ changes }: { readonly changes: readonly AccessChangeView[] }) {
  const t = useText()
  return (
    <div>
      <h3>{t('policy.changes')}</h3>
      {changes.length === 0 ? (
        <p className="quiet small">{t('policy.noChanges')}</p>
      ) : (
        <ul className="stack small">
          {changes.map((one) => (
            <li key={`${one.change}-${one.action}-${one.service}-${one.who.join()}-${one.at.join()}`}>
              <StateMark
                tone={one.change === 'gains' ? 'attention' : 'bad'}
                label={t(`policy.${one.change}`, { who: one.who.join(', ') })}
              />
              <span className="block">
                {t(`action.${one.action}`)}
                {one.service !== null && ` ${one.service === '*' ? t('policy.anyService') : one.service}`}
                {one.at.length > 0 && ` · ${t('policy.at', { nodes: one.at.join(', ') })}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}
