import { useAction } from '../../state/action.ts'
import { useText } from '../../text/text.ts'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { FormFoot } from './form-foot.tsx'

/** Six real nodes on this machine, to try everything on. */
export function LabForm({ onBack }: { readonly onBack: () => void }) {
  const t = useText()
  const { run, busy, problem } = useAction()
  return (
    <form
      className="stack stack-l"
      onSubmit={(event) => {
        event.preventDefault()
        void run(async (client) => {
          const { url } = await client.setup.openLab()
          window.location.assign(url)
        })
      }}
    >
      <h1>{t('setup.lab')}</h1>
      <p>{t('setup.labMore')}</p>
      {busy && <p role="status">{t('setup.labStarts')}</p>}
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <FormFoot onBack={onBack} action={t('setup.labDo')} busy={busy} disabled={false} />
    </form>
  )
}
