import { useText } from '../text/text.ts'

const WIDTHS = [64, 92, 78, 86, 70, 58] as const

/** What stands where something will be in a moment, so that nothing jumps when it comes. */
export function Skeleton({ lines = 3 }: { readonly lines?: number }) {
  const t = useText()
  return (
    <div className="stack" role="status">
      <span className="sr-only">{t('loading')}</span>
      {Array.from({ length: lines }, (_, index) => `line-${index}`).map((key, index) => (
        <div key={key} className="skeleton" style={{ width: `${WIDTHS[index % WIDTHS.length] ?? 80}%` }} />
      ))}
    </div>
  )
}
