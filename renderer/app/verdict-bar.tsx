import { useLineStore } from '../state/line-store.ts'
import { useNow } from '../state/now.ts'
import { useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'
import { StateMark } from '../ui/state-mark.tsx'
import { useVerdict } from '../view/use-verdict.ts'

/** On every page: how things are in one sentence, and how old that is. */
export function VerdictBar() {
  const t = useText()
  const format = useFormat()
  const now = useNow()
  const { state, heardAt } = useLineStore()
  const verdict = useVerdict()
  const live = state.kind === 'open'
  const tone = live ? (verdict?.tone ?? 'unknown') : 'unknown'
  return (
    <section className="verdict-bar" data-tone={tone} aria-label={t('verdict.label')}>
      <p className="verdict-text row" role="status">
        <StateMark tone={tone} label={t(`tone.${tone}`)} quiet />
        <span className="grow">
          {verdict === undefined
            ? t('verdict.asking')
            : live
              ? verdict.sentence
              : t('verdict.asLastSeen', { sentence: verdict.sentence })}
        </span>
      </p>
      <span className="verdict-age">
        <span className="pulse" data-live={live} aria-hidden="true" />
        {heardAt === undefined
          ? t('line.notHeard')
          : live
            ? t('line.live', { ago: format.ago(now - heardAt) })
            : t('line.stale', { ago: format.ago(now - heardAt) })}
      </span>
    </section>
  )
}
