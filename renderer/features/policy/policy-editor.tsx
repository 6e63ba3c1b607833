import { useEffect, useState } from 'react'
import type { PolicyReview, PolicyVersionView } from '../../../node-core/contract/policy-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { useMay } from '../../state/line-store.ts'
import { policyHistory, policyNow } from '../../state/policy.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm, TextArea } from '../../ui/controls.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { Skeleton } from '../../ui/skeleton.tsx'
import { AccessChanges, PolicyProblems, PolicyTests } from './review-parts.tsx'

interface EditorProps {
  readonly current: PolicyVersionView | null
  /** The text to begin with. */
  readonly begins: string
  /** The number of the earlier version that it is, if it is one. */
  readonly earlier: number | undefined
  readonly writable: boolean
  readonly onDone: () => void
}

const REVIEW_AFTER_MS = 500
const ROWS = 22

/** The document, and beside it what the node says of it: nothing is applied that was not seen as a difference. */
export function PolicyEditor({ current, begins, earlier, writable, onDone }: EditorProps) {
  const t = useText()
  const isOwner = useMay('owner')
  const [text, setText] = useState(begins)
  const [asks, setAsks] = useState(false)
  const { review, reviewed, problem } = useReview(text)
  const isChanged = earlier !== undefined || text !== begins
  return (
    <div className="grid-even">
      <Panel
        title={
          earlier === undefined ? t('policy.document') : t('policy.documentOf', { number: String(earlier) })
        }
        aside={
          isChanged && (
            <div className="row">
              <ActionButton
                variant="subtle"
                onClick={() => {
                  setText(begins)
                  onDone()
                }}
              >
                {t('policy.discard')}
              </ActionButton>
              {writable && isOwner && (
                <ActionButton
                  variant="filled"
                  icon="check"
                  disabled={review?.ok !== true || !reviewed}
                  onClick={() => setAsks(true)}
                >
                  {t('policy.apply')}
                </ActionButton>
              )}
            </div>
          )
        }
      >
        <TextArea label={t('policy.document')} hideLabel value={text} onChange={setText} rows={ROWS} mono />
      </Panel>
      <Panel title={t('policy.review')}>
        <div className="stack stack-l">
          {problem !== undefined && (
            <Notice tone="bad" label={t('tone.bad')} alert>
              <ProblemText problem={problem} />
            </Notice>
          )}
          {review === undefined && problem === undefined && <Skeleton lines={5} />}
          {review !== undefined && (
            <>
              <PolicyProblems problems={review.problems} />
              <PolicyTests tests={review.tests} />
              {review.ok && isChanged && <AccessChanges changes={review.changes} />}
            </>
          )}
        </div>
      </Panel>
      {asks && review !== undefined && (
        <ApplyDialog
          text={text}
          review={review}
          basedOn={current?.number ?? null}
          onClose={() => setAsks(false)}
          onDone={onDone}
        />
      )}
    </div>
  )
}

/** What the node says of a text, once nobody has typed for a moment; the last review stays while a new one is made. */
function useReview(text: string) {
  const { run, problem } = useAction()
  const [said, setSaid] = useState<{ readonly of: string; readonly review: PolicyReview }>()
  useEffect(() => {
    let isCurrent = true
    if (text.trim() === '') return
    const timer = setTimeout(() => {
      void run(async (client) => {
        const review = await client.policy.review({ document: text })
        if (isCurrent) setSaid({ of: text, review })
      })
    }, REVIEW_AFTER_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [run, text])
  return { review: said?.review, reviewed: said?.of === text, problem }
}

interface ApplyProps {
  readonly text: string
  readonly review: PolicyReview
  readonly basedOn: number | null
  readonly onClose: () => void
  readonly onDone: () => void
}

function ApplyDialog({ text, review, basedOn, onClose, onDone }: ApplyProps) {
  const t = useText()
  const { run, busy, problem } = useAction()
  async function apply(): Promise<void> {
    let number = 0
    const done = await run(async (client) => {
      number = (await client.policy.apply({ document: text, basedOn })).policy.number
    })
    if (!done) return
    showToast('good', t('policy.applied', { number: String(number) }))
    onClose()
    onDone()
    await Promise.all([policyNow.refresh(), policyHistory.refresh()])
  }
  return (
    <Confirm
      title={t('policy.applyTitle')}
      action={t('policy.apply')}
      busy={busy}
      onConfirm={() => void apply()}
      onClose={onClose}
    >
      <p>{t('policy.applyText')}</p>
      <AccessChanges changes={review.changes} />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
