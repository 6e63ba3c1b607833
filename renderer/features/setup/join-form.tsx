import { useState } from 'react'
import { nodeNameSchema } from '../../../node-core/contract/schemas.ts'
import type { Role } from '../../../node-core/domain/role.ts'
import type { Problem } from '../../bridge/line.ts'
import { useAction } from '../../state/action.ts'
import type { SetupState } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { FilePicker, TextArea, TextField } from '../../ui/controls.tsx'
import { Facts, Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Until } from '../../view/parts.tsx'
import { FormFoot } from './form-foot.tsx'
import { KEY_FILE, KeystoreField, passphraseOf } from './keystore-field.tsx'
import { tokenIn, tokenInFile } from './token-source.ts'

interface FormProps {
  readonly setup: SetupState
  readonly onBack: () => void
}

interface ReadToken {
  readonly token: string
  readonly fingerprint: string
  readonly role: Role
  readonly expiresAt: number
}

/** Into a mesh that exists: first what the invite says, then, after a look at it, the request. */
export function JoinForm({ setup, onBack }: FormProps) {
  const t = useText()
  const [read, setRead] = useState<ReadToken>()
  return (
    <>
      <h1>{t('setup.join')}</h1>
      {read === undefined ? (
        <TokenStep onRead={setRead} onBack={onBack} />
      ) : (
        <ConfirmStep read={read} setup={setup} onBack={() => setRead(undefined)} />
      )}
    </>
  )
}

function TokenStep({
  onRead,
  onBack,
}: {
  readonly onRead: (read: ReadToken) => void
  readonly onBack: () => void
}) {
  const t = useText()
  const [text, setText] = useState('')
  const [missing, setMissing] = useState(false)
  const { run, busy, problem } = useAction()

  async function look(token: string | undefined): Promise<void> {
    setMissing(token === undefined)
    if (token === undefined) return
    await run(async (client) => onRead({ token, ...(await client.setup.readToken({ token })) }))
  }

  return (
    <form
      className="stack stack-l"
      onSubmit={(event) => {
        event.preventDefault()
        void look(tokenIn(text))
      }}
    >
      <TextArea
        label={t('setup.token')}
        hint={t('setup.tokenHint')}
        value={text}
        onChange={setText}
        rows={4}
        mono
      />
      <div className="row">
        <span className="quiet small">{t('setup.orFile')}</span>
        <FilePicker
          label={t('setup.file')}
          accept="text/plain,image/*"
          onFile={(file) => void tokenInFile(file).then(look)}
        />
      </div>
      {missing && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <p>{t('setup.noToken')}</p>
        </Notice>
      )}
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <FormFoot onBack={onBack} action={t('setup.next')} busy={busy} disabled={text.trim() === ''} />
    </form>
  )
}

interface ConfirmStepProps {
  readonly read: ReadToken
  readonly setup: SetupState
  readonly onBack: () => void
}

const isPending = (problem: Problem | undefined): boolean => problem?.code === 'JOIN_PENDING'

function ConfirmStep({ read, setup, onBack }: ConfirmStepProps) {
  const t = useText()
  const [name, setName] = useState<string>(setup.suggestedName ?? '')
  const [keystore, setKeystore] = useState(KEY_FILE)
  const [done, setDone] = useState(false)
  const { run, busy, problem } = useAction()
  const parsed = nodeNameSchema.safeParse(name)
  const passphrase = passphraseOf(keystore)

  async function join(): Promise<void> {
    if (!parsed.success || passphrase === undefined) return
    const { data } = parsed
    setDone(await run((client) => client.setup.join({ token: read.token, name: data, passphrase })))
  }

  return (
    <form
      className="stack stack-l"
      onSubmit={(event) => {
        event.preventDefault()
        void join()
      }}
    >
      <p>{t('setup.compare')}</p>
      <Facts
        items={[
          [
            t('invite.fingerprint'),
            <span key="f" className="mono">
              {read.fingerprint}
            </span>,
          ],
          [t('invite.role'), t(`role.${read.role}`)],
          [t('invite.expires'), <Until key="e" at={read.expiresAt} soonMs={0} />],
        ]}
      />
      <TextField
        label={t('setup.nodeName')}
        hint={t('setup.nodeNameHint')}
        value={name}
        onChange={setName}
        error={name !== '' && !parsed.success ? t('expose.nameWrong') : undefined}
      />
      <KeystoreField value={keystore} onChange={setKeystore} />
      {problem !== undefined && (
        <Notice tone={isPending(problem) ? 'attention' : 'bad'} label={t('tone.attention')} alert>
          {isPending(problem) ? <p>{t('setup.pending')}</p> : <ProblemText problem={problem} />}
        </Notice>
      )}
      <FormFoot
        onBack={onBack}
        action={isPending(problem) ? t('setup.askAgain') : t('setup.joinDo')}
        busy={busy || done}
        disabled={!parsed.success || passphrase === undefined}
      />
    </form>
  )
}
