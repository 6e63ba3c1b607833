import { useLineStore } from '../state/line-store.ts'
import { useNow } from '../state/now.ts'
import { useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'
import { Notice } from '../ui/panel.tsx'
import { ProblemText } from '../ui/problem.tsx'

/** Above each page while the node cannot be heard: what is shown below is how things were. */
export function LineNotice() {
  const t = useText()
  const format = useFormat()
  const now = useNow()
  const { state, heardAt } = useLineStore()
  if (state.kind !== 'lost') return null
  return (
    <Notice tone="bad" label={t('line.lost')} alert>
      <ProblemText problem={state.problem} />
      <p className="quiet small">
        {heardAt === undefined ? t('line.retrying') : t('line.lastHeard', { ago: format.ago(now - heardAt) })}
      </p>
    </Notice>
  )
}
