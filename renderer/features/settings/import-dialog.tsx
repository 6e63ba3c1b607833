import { useEffect, useState } from 'react'
import type { ConfigChange } from '../../../node-core/contract/config-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { configHistory, configNow } from '../../state/lists.ts'
import { useText } from '../../text/text.ts'
import { Confirm } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { ChangeList } from './change-list.tsx'

interface Preview {
  readonly base: string
  readonly changes: readonly ConfigChange[]
  readonly notes: readonly string[]
}

interface FileProblem {
  readonly line: number | null
  readonly key: string
  readonly message: string
}

/** What a file would change, before anything is changed. What is shown is what is applied, or nothing. */
export function ImportDialog({ text, onClose }: { readonly text: string; readonly onClose: () => void }) {
  const t = useText()
  const [preview, setPreview] = useState<Preview>()
  const [wrong, setWrong] = useState<readonly FileProblem[]>([])
  const look = useAction()
  const apply = useAction()
  const { run } = look
  useEffect(() => {
    void run(async (client) => {
      const { ok, problems } = await client.config.validate({ text })
      if (ok) setPreview(await client.config.preview({ text }))
      else setWrong(problems)
    })
  }, [run, text])

  async function confirm(): Promise<void> {
    if (preview === undefined) return
    const done = await apply.run((client) => client.config.import({ text, base: preview.base }))
    await Promise.all([configNow.refresh(), configHistory.refresh()])
    if (!done) return
    showToast('good', t('config.imported'))
    onClose()
  }

  const problem = look.problem ?? apply.problem
  return (
    <Confirm
      title={t('config.importTitle')}
      action={t('config.apply')}
      busy={look.busy || apply.busy}
      disabled={preview === undefined || preview.changes.length === 0}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      {preview === undefined && wrong.length === 0 && problem === undefined && <Skeleton />}
      {wrong.length > 0 && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <p>{t('config.bad')}</p>
          <ul className="small">
            {wrong.map(({ line, key, message }) => (
              <li key={`${line}-${key}-${message}`}>
                {line !== null && <span className="strong">{t('config.line', { line })} </span>}
                {key !== '' && <code>{key}</code>} {message}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      {preview !== undefined && <ChangeList changes={preview.changes} />}
      {preview?.notes.map((note) => (
        <p key={note} className="quiet small">
          {note}
        </p>
      ))}
    </Confirm>
  )
}
