import type { NodeClient } from '../../bridge/line.ts'
import { useText } from '../../text/text.ts'
import { Facts, Notice } from '../../ui/panel.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { PlanDrawing } from '../../view/plan-drawing.tsx'

export type DryRunOutcome = Awaited<ReturnType<NodeClient['playbooks']['test']>>

/** What a playbook would do about an incident. Nothing of it is done. */
export function DryRun({ outcome }: { readonly outcome: DryRunOutcome }) {
  const t = useText()
  const { problems, matches, why, mode, heldBackBy, blastRadius, steps } = outcome
  if (problems.length > 0) return <PlaybookProblems problems={problems} />
  return (
    <div className="stack" role="status">
      <StateMark
        tone={matches ? 'good' : 'unknown'}
        label={matches ? t('playbooks.matches') : t('playbooks.noMatch')}
      />
      <p>{why}</p>
      <Facts
        items={[
          [t('plan.mode'), mode === null ? t('unknown') : t(`mode.${mode}`)],
          [t('plan.blastRadius'), t('plan.nodes', { n: blastRadius })],
          [t('playbooks.heldBack'), heldBackBy ?? t('no')],
        ]}
      />
      {steps.length > 0 && <PlanDrawing steps={steps} />}
    </div>
  )
}

/** Where a text is no playbook, line by line. */
export function PlaybookProblems({ problems }: { readonly problems: readonly string[] }) {
  const t = useText()
  return (
    <Notice tone="bad" label={t('playbooks.invalid')} alert>
      <ul className="small mono">
        {problems.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </Notice>
  )
}
