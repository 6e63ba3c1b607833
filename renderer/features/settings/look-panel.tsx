import { useText } from '../../text/text.ts'
import { LanguageChoice, ThemeChoice } from '../../view/choices.tsx'

export function LookPanel() {
  const t = useText()
  return (
    <div className="settings-rows">
      <div className="settings-row">
        <span className="strong">{t('theme')}</span>
        <ThemeChoice />
      </div>
      <div className="settings-row">
        <span className="strong">{t('language')}</span>
        <LanguageChoice />
      </div>
    </div>
  )
}
