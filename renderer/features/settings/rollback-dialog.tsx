import { showToast, useAction } from '../../state/action.ts'
import { configDiff, configHistory, configNow } from '../../state/lists.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { Confirm } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { ChangeList } from './change-list.tsx'

/** Back to an earlier version, after a look at what that changes. */
export function RollbackDialog({
  version,
  onClose,
}: {
  readonly version: number
  readonly onClose: () => void
}) {
  const t = useText()
  const now = useKnown(configNow)
  const diff = useKnown(configDiff(String(version)))
  const { run, busy, problem } = useAction()
  const base = now.value?.base

  async function back(): Promise<void> {
    if (base === undefined) return
    const done = await run((client) => client.config.rollback({ version, base }))
    await Promise.all([configNow.refresh(), configHistory.refresh()])
    if (!done) return
    showToast('good', t('config.rolledBack', { version: String(version) }))
    onClose()
  }

  return (
    <Confirm
      title={t('config.backTitle', { version: String(version) })}
      action={t('config.back')}
      busy={busy}
      disabled={base === undefined}
      onConfirm={() => void back()}
      onClose={onClose}
    >
      <WhenKnown known={diff}>
        {({ changes }) => (
          // The difference is told from that version on; going back turns it around.
          <ChangeList changes={changes.map((one) => ({ ...one, before: one.after, after: one.before }))} />
        )}
      </WhenKnown>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
