import type { Tone } from './tones.ts'

/** Shapes differ, so that nobody has to tell the colours apart. */
export const TONE_SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm3.6 4.4L7 10 4.6 7.6 3.5 8.7 7 12.2l5.7-5.7Z',
  attention: 'M8 1 15.5 14.5H.5ZM7.2 6v4.2h1.6V6Zm0 5.4V13h1.6v-1.6Z',
  bad: 'M5 1h6l4 4v6l-4 4H5l-4-4V5Zm.6 3.5L4.5 5.6 6.9 8l-2.4 2.4 1.1 1.1L8 9.1l2.4 2.4 1.1-1.1L9.1 8l2.4-2.4-1.1-1.1L8 6.9Z',
  unknown: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 1.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 8 2.8Z',
  info: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1ZM7.2 7v5h1.6V7Zm0-3v1.7h1.6V4Z',
}

interface StateMarkProps {
  readonly tone: Tone
  readonly label: string
  /** The label is read out but not shown: where the words stand right beside the mark anyway. */
  readonly quiet?: boolean
  /** On a soft ground of its colour. */
  readonly pill?: boolean
}

/** Colour, shape and text for one state. */
export function StateMark({ tone, label, quiet = false, pill = false }: StateMarkProps) {
  return (
    <span className={`mark mark-${tone}${pill ? ' mark-pill' : ''}`}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" focusable="false">
        <path d={TONE_SHAPES[tone]} fillRule="evenodd" />
      </svg>
      <span className={quiet ? 'sr-only' : 'mark-label'}>{label}</span>
    </span>
  )
}
