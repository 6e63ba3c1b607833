import { useContext, useEffect, useState } from 'react'
import type { Problem } from '../bridge/line.ts'
import { secretIn } from '../bridge/web-bridge.ts'
import { useLineStore } from '../state/line-store.ts'
import { useText } from '../text/text.ts'
import { ActionButton, CopyButton, TextField } from '../ui/controls.tsx'
import { Notice } from '../ui/panel.tsx'
import { ProblemText } from '../ui/problem.tsx'
import { LanguageChoice, ThemeChoice } from '../view/choices.tsx'
import { BridgeContext } from './bridge-context.ts'
import { rememberAddress } from './prepare.ts'

const COMMAND = 'x0t console'

/** For a tab that nobody has signed in: how to get a link. Afterwards it shows the address that was wanted. */
export function SignIn() {
  const t = useText()
  const bridge = useContext(BridgeContext)
  const state = useLineStore((store) => store.state)
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  useEffect(() => {
    document.title = `${t('signIn.title')} · x0tta6bl4`
    rememberAddress(window.localStorage, window.location.hash, Date.now())
  }, [t])
  const why = state.kind === 'signed-out' ? state.why : 'none'

  async function signIn(): Promise<void> {
    const secret = secretIn(text)
    if (secret === undefined || bridge.signIn === undefined) {
      setProblem({ code: 'LINK_NOT_VALID', message: '', hint: '' })
      return
    }
    setBusy(true)
    const outcome = await bridge.signIn(secret)
    setBusy(false)
    if (outcome === 'signed-in') useLineStore.setState({ state: { kind: 'connecting' } })
    else setProblem(outcome)
  }

  return (
    <main className="sign-in" id="main">
      <div className="sign-in-card stack stack-l">
        <h1>{t('signIn.title')}</h1>
        {why !== 'none' && (
          <Notice tone="attention" label={t('tone.attention')} alert>
            <p>{why === 'expired' ? t('signIn.expired') : t('signIn.refused')}</p>
          </Notice>
        )}
        <p>{t('signIn.how')}</p>
        <div className="command">
          <code>{COMMAND}</code>
          <CopyButton text={COMMAND} label={t('signIn.copyCommand')} />
        </div>
        <p className="quiet small">{t('signIn.once')}</p>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            void signIn()
          }}
        >
          <TextField label={t('signIn.paste')} value={text} onChange={setText} mono />
          {problem !== undefined && (
            <Notice tone="bad" label={t('tone.bad')} alert>
              <ProblemText problem={problem} />
            </Notice>
          )}
          <div className="form-end">
            <ActionButton type="submit" variant="filled" busy={busy} disabled={text.trim() === ''}>
              {t('signIn.go')}
            </ActionButton>
          </div>
        </form>
      </div>
      <div className="row sign-in-foot">
        <ThemeChoice />
        <LanguageChoice />
      </div>
    </main>
  )
}
