import type { PlanDocument } from '../../../node-core/contract/heal-schemas.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Facts, Panel } from '../../ui/panel.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { PLAN_TONES, RISK_TONES } from '../../view/heal-tones.ts'
import { useHealWords } from '../../view/heal-words.ts'
import { Ago, Until } from '../../view/parts.tsx'
import { PlanDrawing } from '../../view/plan-drawing.tsx'
import { ApprovalForm } from './approval-form.tsx'
import { StepTable } from './step-table.tsx'
import { UndoPlan } from './undo-plan.tsx'

const SOON_MS = 2 * 60_000

interface PlanProps {
  readonly plan: PlanDocument
}

/** One proposed repair: why this one, what it touches, how far it is, and whether it worked. */
export function PlanCard({ plan, incident }: PlanProps & { readonly incident: string }) {
  const t = useText()
  const words = useHealWords()
  return (
    <Panel
      title={t('plan.title', { playbook: words.playbook(plan.playbook) })}
      aside={<StateMark tone={PLAN_TONES[plan.state]} label={t(`plan.${plan.state}`)} pill />}
    >
      <div className="stack stack-l">
        {plan.state !== 'waiting' && <p>{plan.reason}</p>}
        <PlanFacts plan={plan} />
        {plan.state === 'waiting' && <ApprovalForm plan={plan} incident={incident} />}
        <UndoPlan plan={plan} incident={incident} />
        <PlanDrawing steps={plan.steps} />
        <StepTable plan={plan} />
        {plan.verification !== null && <Verified verification={plan.verification} />}
        <Candidates plan={plan} />
        <Votes plan={plan} />
      </div>
    </Panel>
  )
}

function PlanFacts({ plan }: PlanProps) {
  const t = useText()
  const { approvalExpiresAt: until } = plan
  return (
    <Facts
      items={[
        [
          t('plan.risk'),
          <StateMark key="risk" tone={RISK_TONES[plan.risk]} label={t(`risk.${plan.risk}`)} />,
        ],
        [t('plan.blastRadius'), t('plan.nodes', { n: plan.blastRadius })],
        [t('plan.mode'), t(`mode.${plan.mode}`)],
        [t('plan.created'), <Ago key="created" at={plan.createdAt} />],
        ...(plan.state === 'waiting' && until !== null
          ? [[t('plan.deniedBy'), <Until key="until" at={until} soonMs={SOON_MS} />] as const]
          : []),
      ]}
    />
  )
}

interface VerifiedProps {
  readonly verification: NonNullable<PlanDocument['verification']>
}

function Verified({ verification }: VerifiedProps) {
  const t = useText()
  const { passed, checks, at } = verification
  return (
    <div className="stack">
      <h3>{t('plan.verification')}</h3>
      <p className="row">
        <StateMark
          tone={passed ? 'good' : 'bad'}
          label={passed ? t('plan.verified') : t('plan.notVerified')}
        />
        <Ago at={at} />
      </p>
      <ul className="small stack">
        {checks.map((check) => (
          <li key={`${check.from}-${check.text}`} className="row">
            <StateMark tone={check.passed ? 'good' : 'bad'} label={check.text} />
            <span className="quiet">{t('plan.seenFrom', { node: check.from })}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Candidates({ plan }: PlanProps) {
  const t = useText()
  const words = useHealWords()
  const format = useFormat()
  if (plan.candidates.length === 0) return null
  return (
    <div>
      <h3>{t('plan.candidates')}</h3>
      <ul className="small stack">
        {plan.candidates.map(({ playbook, score, reasons, chosen }) => (
          <li key={playbook}>
            <span className="row">
              <span className="strong">{words.playbook(playbook)}</span>
              <span className="quiet">{t('plan.score', { score: format.number(score) })}</span>
              {chosen && <span className="tag tag-accent">{t('plan.chosen')}</span>}
            </span>
            <span className="quiet">{reasons.join('; ')}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function Votes({ plan }: PlanProps) {
  const t = useText()
  const format = useFormat()
  if (plan.approvals.length === 0) return null
  return (
    <div>
      <h3>{t('plan.votes')}</h3>
      <ul className="small">
        {plan.approvals.map((vote) => (
          <li key={`${vote.by}-${vote.at}`} className="row">
            <StateMark
              tone={vote.verdict === 'approve' ? 'good' : 'bad'}
              label={t(`vote.${vote.verdict}`, { by: vote.by })}
            />
            <span className="quiet">{format.dateTime(vote.at)}</span>
            {vote.comment !== null && <span>{vote.comment}</span>}
          </li>
        ))}
      </ul>
    </div>
  )
}
