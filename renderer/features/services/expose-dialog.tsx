import { useState } from 'react'
import { checkSchema, serviceNameSchema, targetSchema } from '../../../node-core/contract/schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, Dialog, TextField } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'

type CheckKind = 'none' | 'tcp' | 'http'

/** Offers something that this machine can reach to the members that the policy lets use it. */
export function ExposeDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useText()
  const [name, setName] = useState('')
  const [target, setTarget] = useState('127.0.0.1:')
  const [kind, setKind] = useState<CheckKind>('tcp')
  const [path, setPath] = useState('/')
  const [tried, setTried] = useState(false)
  const { run, busy, problem } = useAction()
  const parsedName = serviceNameSchema.safeParse(name)
  const parsedTarget = targetSchema.safeParse(target)
  const check = kind === 'none' ? null : kind === 'tcp' ? 'tcp' : `http:${path}`
  const checkValid = check === null || checkSchema.safeParse(check).success

  async function expose(): Promise<void> {
    setTried(true)
    if (!parsedName.success || !parsedTarget.success || !checkValid) return
    const done = await run((client) =>
      client.services.expose({ name: parsedName.data, target: parsedTarget.data, check }),
    )
    if (!done) return
    showToast('good', t('expose.done', { name }))
    onClose()
  }

  return (
    <Dialog title={t('expose.title')} onClose={onClose}>
      <form
        className="stack stack-l"
        onSubmit={(event) => {
          event.preventDefault()
          void expose()
        }}
      >
        <TextField
          label={t('services.name')}
          hint={t('expose.nameHint')}
          value={name}
          onChange={setName}
          error={tried && !parsedName.success ? t('expose.nameWrong') : undefined}
          mono
        />
        <TextField
          label={t('services.target')}
          hint={t('expose.targetHint')}
          value={target}
          onChange={setTarget}
          error={tried && !parsedTarget.success ? t('expose.targetWrong') : undefined}
          mono
        />
        <div className="form-row">
          <Choice
            label={t('services.check')}
            value={kind}
            onChange={(value) => setKind(value === 'http' ? 'http' : value === 'tcp' ? 'tcp' : 'none')}
            options={[
              { value: 'tcp', label: t('expose.checkTcp') },
              { value: 'http', label: t('expose.checkHttp') },
              { value: 'none', label: t('expose.checkNone') },
            ]}
          />
          {kind === 'http' && (
            <TextField
              label={t('expose.path')}
              value={path}
              onChange={setPath}
              error={checkValid ? undefined : t('expose.pathWrong')}
              mono
            />
          )}
        </div>
        {problem !== undefined && (
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        )}
        <div className="form-end">
          <ActionButton onClick={onClose}>{t('cancel')}</ActionButton>
          <ActionButton type="submit" variant="filled" busy={busy}>
            {t('expose.do')}
          </ActionButton>
        </div>
      </form>
    </Dialog>
  )
}
