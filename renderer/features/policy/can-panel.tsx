import { useState } from 'react'
import {
  type CanResult,
  POLICY_ACTION_NAMES,
  policyActionSchema,
} from '../../../node-core/contract/policy-schemas.ts'
import { serviceNameSchema } from '../../../node-core/contract/schemas.ts'
import { useAction } from '../../state/action.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, TextField } from '../../ui/controls.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import './policy.css'

type Action = (typeof POLICY_ACTION_NAMES)[number]

const needsService = (action: Action): boolean => action === 'use' || action === 'provide'

/** `Can X use Y at Z`: the answer of the policy in force, with the rule that gives it. */
export function CanPanel() {
  const t = useText()
  const members = useTopic('members') ?? []
  const names = members.filter(({ standing }) => standing === 'member').map(({ name }) => name)
  const [who, setWho] = useState('')
  const [action, setAction] = useState<Action>('use')
  const [service, setService] = useState('')
  const [at, setAt] = useState('')
  const [answer, setAnswer] = useState<CanResult>()
  const { run, busy, problem } = useAction()
  const [first = '', second = first] = names
  const named = serviceNameSchema.safeParse(service).data
  const options = names.map((name) => ({ value: name, label: name }))
  const ask = (): void =>
    void run(async (client) => {
      setAnswer(
        await client.policy.can({
          ...{ who: who || first, action },
          service: needsService(action) ? (named ?? null) : null,
          at: action === 'provide' ? null : at || second,
        }),
      )
    })
  return (
    <Panel title={t('policy.can')}>
      <form
        className="can-form"
        onSubmit={(event) => {
          event.preventDefault()
          ask()
        }}
      >
        <Choice label={t('policy.who')} value={who || first} onChange={setWho} options={options} />
        <Choice
          label={t('policy.does')}
          value={action}
          onChange={(value) => setAction(policyActionSchema.safeParse(value).data ?? action)}
          options={POLICY_ACTION_NAMES.map((value) => ({ value, label: t(`action.${value}`) }))}
        />
        {needsService(action) && (
          <TextField
            label={t('services.name')}
            value={service}
            onChange={setService}
            error={service !== '' && named === undefined ? t('expose.nameWrong') : undefined}
          />
        )}
        {action !== 'provide' && (
          <Choice label={t('policy.where')} value={at || second} onChange={setAt} options={options} />
        )}
        <ActionButton
          type="submit"
          icon="search"
          busy={busy}
          disabled={names.length === 0 || (needsService(action) && named === undefined)}
        >
          {t('policy.ask')}
        </ActionButton>
      </form>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      {answer !== undefined && <Answer answer={answer} />}
    </Panel>
  )
}

function Answer({ answer }: { readonly answer: CanResult }) {
  const t = useText()
  return (
    <div className="stack can-answer" role="status">
      <StateMark
        tone={answer.allow ? 'good' : 'bad'}
        label={answer.allow ? t('policy.allowed') : t('policy.denied')}
        pill
      />
      <ul className="stack small">
        {answer.verdicts.map(({ question, allow, reason, line }) => (
          <li key={question}>
            <StateMark tone={allow ? 'good' : 'bad'} label={question} />
            <span className="quiet block">
              {reason} {line !== null && t('config.line', { line }).replace(/:$/, '')}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}
