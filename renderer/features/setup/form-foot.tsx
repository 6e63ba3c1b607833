import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'

interface FormFootProps {
  readonly onBack: () => void
  readonly action: string
  readonly busy: boolean
  readonly disabled: boolean
}

export function FormFoot({ onBack, action, busy, disabled }: FormFootProps) {
  const t = useText()
  return (
    <div className="row row-apart">
      <ActionButton icon="left" variant="subtle" onClick={onBack}>
        {t('setup.back')}
      </ActionButton>
      <ActionButton type="submit" variant="filled" busy={busy} disabled={disabled}>
        {action}
      </ActionButton>
    </div>
  )
}
