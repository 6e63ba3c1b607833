import { useState } from 'react'
import { nodeNameSchema } from '../../../node-core/contract/schemas.ts'
import { useAction } from '../../state/action.ts'
import type { SetupState } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { TextField } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { FormFoot } from './form-foot.tsx'
import { KEY_FILE, KeystoreField, passphraseOf } from './keystore-field.tsx'

interface FormProps {
  readonly setup: SetupState
  readonly onBack: () => void
}

/** A new mesh with this machine as its first member and owner. */
export function CreateForm({ setup, onBack }: FormProps) {
  const t = useText()
  const [mesh, setMesh] = useState('home')
  const [name, setName] = useState<string>(setup.suggestedName ?? '')
  const [keystore, setKeystore] = useState(KEY_FILE)
  const [made, setMade] = useState(false)
  const { run, busy, problem } = useAction()
  const parsed = nodeNameSchema.safeParse(name)
  const passphrase = passphraseOf(keystore)
  const ready = parsed.success && passphrase !== undefined && mesh.trim() !== ''

  async function create(): Promise<void> {
    if (!parsed.success || passphrase === undefined) return
    const { data } = parsed
    // The node starts now; the page is told to connect again, and the console opens.
    setMade(await run((client) => client.setup.create({ mesh: mesh.trim(), name: data, passphrase })))
  }

  return (
    <form
      className="stack stack-l"
      onSubmit={(event) => {
        event.preventDefault()
        void create()
      }}
    >
      <h1>{t('setup.create')}</h1>
      <TextField label={t('setup.meshName')} hint={t('setup.meshNameHint')} value={mesh} onChange={setMesh} />
      <TextField
        label={t('setup.nodeName')}
        hint={t('setup.nodeNameHint')}
        value={name}
        onChange={setName}
        error={name !== '' && !parsed.success ? t('expose.nameWrong') : undefined}
      />
      <KeystoreField value={keystore} onChange={setKeystore} />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <FormFoot onBack={onBack} action={t('setup.createDo')} busy={busy || made} disabled={!ready} />
    </form>
  )
}
