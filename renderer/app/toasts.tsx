import { useEffect } from 'react'
import { dropToast, type Toast, useToasts } from '../state/action.ts'
import { useText } from '../text/text.ts'
import { DismissButton } from '../ui/controls.tsx'
import { StateMark } from '../ui/state-mark.tsx'

const SHOWN_MS = 5_000

/** What came of actions, said aloud. A bad outcome stays until it is closed. */
export function Toasts() {
  const toasts = useToasts(({ toasts: all }) => all)
  return (
    <div className="toasts" aria-live="polite">
      {toasts.map((toast) => (
        <ToastCard key={toast.id} toast={toast} />
      ))}
    </div>
  )
}

function ToastCard({ toast }: { readonly toast: Toast }) {
  const t = useText()
  const { id, tone } = toast
  useEffect(() => {
    if (tone === 'bad') return
    const timer = setTimeout(() => dropToast(id), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [id, tone])
  return (
    <div className="toast">
      <StateMark tone={tone} label={tone === 'good' ? t('toast.done') : t('toast.failed')} quiet />
      <div className="toast-text">
        <p>{toast.text}</p>
        {toast.hint !== '' && <p className="quiet small">{toast.hint}</p>}
      </div>
      <DismissButton onClick={() => dropToast(id)} />
    </div>
  )
}
