import { useContext } from 'react'
import { useLineStore } from '../state/line-store.ts'
import { useText } from '../text/text.ts'
import { ActionButton } from '../ui/controls.tsx'
import { LanguageChoice, ThemeChoice } from '../view/choices.tsx'
import { BridgeContext } from './bridge-context.ts'

/** How the console looks and speaks, and the way out. */
export function ViewMenu() {
  const t = useText()
  const bridge = useContext(BridgeContext)
  const { signOut } = bridge
  return (
    <div className="view-menu">
      <ThemeChoice iconsOnly />
      <LanguageChoice />
      {signOut !== undefined && (
        <ActionButton
          variant="subtle"
          onClick={() => {
            signOut()
            const { state } = useLineStore.getState()
            if (state.kind === 'open') state.line.close()
            useLineStore.setState({ state: { kind: 'signed-out', why: 'none' } })
          }}
        >
          {t('signOut')}
        </ActionButton>
      )}
    </div>
  )
}
