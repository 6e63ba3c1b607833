import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'

export const HISTORY_MINUTES = 24 * 60
const MINUTE_MS = 60_000

interface HistoryBarProps {
  readonly minutesAgo: number
  readonly onChange: (minutesAgo: number) => void
}

/** Goes back over the last 24 hours, minute by minute; the arrow keys work on it as on every slider. */
export function HistoryBar({ minutesAgo, onChange }: HistoryBarProps) {
  const t = useText()
  const format = useFormat()
  const said =
    minutesAgo === 0 ? t('history.now') : t('history.at', { ago: format.ago(minutesAgo * MINUTE_MS) })
  return (
    <div className="history-bar">
      <input
        type="range"
        min={0}
        max={HISTORY_MINUTES}
        value={HISTORY_MINUTES - minutesAgo}
        aria-label={t('history.slider')}
        aria-valuetext={said}
        onChange={(event) => onChange(HISTORY_MINUTES - Number(event.currentTarget.value))}
      />
      <span className="small nowrap">{said}</span>
      {minutesAgo > 0 && (
        <ActionButton variant="subtle" onClick={() => onChange(0)}>
          {t('history.back')}
        </ActionButton>
      )}
    </div>
  )
}
