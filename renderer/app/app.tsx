import { createTheme, localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useLineStore } from '../state/line-store.ts'
import { useText } from '../text/text.ts'
import { Shell } from './shell.tsx'
import { SignIn } from './sign-in.tsx'
import { Toasts } from './toasts.tsx'

const SetupPage = lazy(async () => ({
  default: (await import('../features/setup/setup-page.tsx')).SetupPage,
}))
const colorScheme = localStorageColorSchemeManager({ key: 'x0t.theme' })
const theme = createTheme({ focusRing: 'never', cursorType: 'pointer', respectReducedMotion: true })

export function App() {
  return (
    // Without its style elements: our own style sheets set the variables, so that the page needs no inline style.
    <MantineProvider
      theme={theme}
      colorSchemeManager={colorScheme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <Face />
      <Toasts />
    </MantineProvider>
  )
}

function Face() {
  const state = useLineStore((store) => store.state)
  const t = useText()
  if (state.kind === 'signed-out') return <SignIn />
  if (state.kind === 'setup') {
    return (
      <Suspense fallback={null}>
        <SetupPage setup={state.setup} />
      </Suspense>
    )
  }
  return (
    <>
      <button
        type="button"
        className="skip"
        // The address after # is the page, so a link could not lead to a place on it.
        onClick={() => document.getElementById('main')?.focus()}
      >
        {t('skip')}
      </button>
      <Shell />
    </>
  )
}
