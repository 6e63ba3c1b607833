import { useState } from 'react'
import type { PlanDocument } from '../../../node-core/contract/heal-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { healStatus, incidentById, whyOf } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, TextField } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'

interface ApprovalFormProps {
  readonly plan: PlanDocument
  readonly incident: string
}

/** A person decides: nothing is done before that, and nobody answering is a no. */
export function ApprovalForm({ plan, incident }: ApprovalFormProps) {
  const t = useText()
  const may = useMay('operator')
  const [comment, setComment] = useState('')
  const { run, busy, problem } = useAction()

  async function vote(approve: boolean): Promise<void> {
    const input = { id: plan.id, comment: comment.trim() === '' ? null : comment.trim() }
    const steps = plan.steps.map(({ statement }) => statement)
    const done = await run((client) =>
      approve ? client.plans.approve({ ...input, steps }) : client.plans.reject(input),
    )
    await Promise.all([whyOf(incident).refresh(), incidentById(incident).refresh(), healStatus.refresh()])
    if (done) showToast('good', approve ? t('plan.youApproved') : t('plan.youRejected'))
  }

  return (
    <Notice tone="attention" label={t('plan.wantsYou')}>
      <p>{t('plan.asks', { n: plan.blastRadius })}</p>
      {may ? (
        <>
          <TextField label={t('plan.comment')} value={comment} onChange={setComment} />
          {problem !== undefined && <ProblemText problem={problem} />}
          <div className="row">
            <ActionButton variant="filled" icon="check" busy={busy} onClick={() => void vote(true)}>
              {t('approve')}
            </ActionButton>
            <ActionButton icon="close" busy={busy} onClick={() => void vote(false)}>
              {t('reject')}
            </ActionButton>
          </div>
        </>
      ) : (
        <p className="quiet small">{t('plan.mayNot')}</p>
      )}
    </Notice>
  )
}
