import { useState } from 'react'
import { incidentIdSchema } from '../../../node-core/contract/incidents-schemas.ts'
import type { NodeClient } from '../../bridge/line.ts'
import { useAction } from '../../state/action.ts'
import { allIncidents } from '../../state/heal.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, Dialog, TextArea } from '../../ui/controls.tsx'
import { Facts, Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import { PlanDrawing } from '../../view/plan-drawing.tsx'

type Outcome = Awaited<ReturnType<NodeClient['playbooks']['test']>>

const TEMPLATE = `x0t: 1
playbook: my-redial
version: 1
title: Dial a lost link again
about: Dials the other end of a link that is down.
trigger:
  symptoms: [link-down]
risk: low
mode: ask
steps:
  - id: redial
    do: redial
    on: ends
`
const FILE = 'editor.yaml'

/** A playbook in the making: checked against the schema, and told what it would do. Nothing of it is done. */
export function DryRunDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useText()
  const { value: incidents = [] } = useKnown(allIncidents)
  const [text, setText] = useState(TEMPLATE)
  const [against, setAgainst] = useState('')
  const [outcome, setOutcome] = useState<Outcome>()
  const { run, busy, problem } = useAction()
  const test = (): void => {
    const id = incidentIdSchema.safeParse(against)
    void run(async (client) =>
      setOutcome(
        await client.playbooks.test({ document: text, file: FILE, against: id.success ? id.data : null }),
      ),
    )
  }
  return (
    <Dialog title={t('playbooks.try')} onClose={onClose} wide>
      <form
        className="stack stack-l"
        onSubmit={(event) => {
          event.preventDefault()
          test()
        }}
      >
        <TextArea label={t('playbooks.document')} value={text} onChange={setText} rows={14} mono />
        <Choice
          label={t('playbooks.against')}
          value={against}
          onChange={setAgainst}
          options={[
            { value: '', label: t('playbooks.noIncident') },
            ...incidents.map(({ id, title }) => ({ value: id, label: title })),
          ]}
        />
        <div className="form-end">
          <ActionButton type="submit" variant="filled" icon="play" busy={busy}>
            {t('playbooks.dryRun')}
          </ActionButton>
        </div>
        {problem !== undefined && (
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        )}
        {outcome !== undefined && <DryRun outcome={outcome} />}
      </form>
    </Dialog>
  )
}

function DryRun({ outcome }: { readonly outcome: Outcome }) {
  const t = useText()
  const { problems, matches, why, mode, heldBackBy, blastRadius, steps } = outcome
  if (problems.length > 0) {
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
