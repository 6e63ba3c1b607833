import { useText } from '../../text/text.ts'

/** What the lines and shapes of the map mean. The shapes of nodes are those of their marks in the tables. */
export function Legend() {
  const t = useText()
  return (
    <ul className="legend">
      <li>
        <Line className="legend-good" /> {t('legend.good')}
      </li>
      <li>
        <Line className="legend-attention" dash="7 4" /> {t('legend.attention')}
      </li>
      <li>
        <Line className="legend-bad" dash="2 4" /> {t('legend.bad')}
      </li>
      <li>
        <Line className="legend-unknown" dash="1 4" /> {t('legend.unknown')}
      </li>
      <li>
        <Line className="legend-path" width={3} /> {t('legend.forward')}
      </li>
      <li>
        <Line className="legend-path" dash="6 5" /> {t('legend.back')}
      </li>
    </ul>
  )
}

interface LineProps {
  readonly className: string
  readonly dash?: string
  readonly width?: number
}

function Line({ className, dash, width = 2 }: LineProps) {
  return (
    <svg className={className} width="26" height="10" aria-hidden="true" focusable="false">
      <line x1="1" y1="5" x2="25" y2="5" stroke="currentColor" strokeWidth={width} strokeDasharray={dash} />
    </svg>
  )
}
