import { useState } from 'react'
import type { PlanDocument } from '../../../node-core/contract/heal-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { incidentById, recentPlans, whyOf } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'

/** Takes back a repair that succeeded, where any of its steps can be taken back. */
export function UndoPlan({ plan, incident }: { readonly plan: PlanDocument; readonly incident: string }) {
  const t = useText()
  const may = useMay('operator')
  const [asks, setAsks] = useState(false)
  const { run, busy, problem } = useAction()
  const steps = plan.steps.filter(({ state, undo }) => state === 'done' && undo !== null)
  if (!may || plan.state !== 'succeeded' || steps.length === 0) return null

  async function undo(): Promise<void> {
    let state: PlanDocument['state'] | undefined
    const done = await run(async (client) => {
      state = (await client.plans.undo({ id: plan.id })).plan.state
    })
    await Promise.all([whyOf(incident).refresh(), incidentById(incident).refresh(), recentPlans.refresh()])
    if (!done) return
    if (state === 'rolled-back') showToast('good', t('plan.undone'))
    else showToast('bad', t('plan.undoFailed'))
    setAsks(false)
  }

  return (
    <div>
      <ActionButton icon="undo" onClick={() => setAsks(true)}>
        {t('plan.undo')}
      </ActionButton>
      {asks && (
        <Confirm
          title={t('plan.undoTitle')}
          action={t('plan.undo')}
          danger
          busy={busy}
          onConfirm={() => void undo()}
          onClose={() => setAsks(false)}
        >
          <p>{t('plan.undoText')}</p>
          <ul className="small">
            {steps.toReversed().map(({ id, undo: action, at }) => (
              <li key={id}>
                {action !== null && t(`step.${action}`)} <span className="quiet">{at}</span>
              </li>
            ))}
          </ul>
          {problem !== undefined && (
            <Notice tone="bad" label={t('tone.bad')} alert>
              <ProblemText problem={problem} />
            </Notice>
          )}
        </Confirm>
      )}
    </div>
  )
}
