import { useState } from 'react'
import type { AuditVerification } from '../../../node-core/contract/audit-schemas.ts'
import { useAction } from '../../state/action.ts'
import { useTopic } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice } from '../../ui/controls.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import './audit.css'

/** Whether the log of a node is whole, by the chain itself and by the ends of it that other members hold. */
export function VerifyPanel() {
  const t = useText()
  const members = useTopic('members') ?? []
  const [node, setNode] = useState('')
  const [verdict, setVerdict] = useState<AuditVerification>()
  const { run, busy, problem } = useAction()
  return (
    <Panel title={t('audit.verify')}>
      <div className="stack stack-l">
        <form
          className="audit-form"
          onSubmit={(event) => {
            event.preventDefault()
            void run(async (client) =>
              setVerdict(await client.audit.verify({ node: node === '' ? null : node })),
            )
          }}
        >
          <Choice
            label={t('audit.logOf')}
            value={node}
            onChange={setNode}
            options={[
              { value: '', label: t('member.self') },
              ...members.filter(({ self }) => !self).map(({ name }) => ({ value: name, label: name })),
            ]}
          />
          <ActionButton type="submit" icon="shield" busy={busy}>
            {t('audit.verifyDo')}
          </ActionButton>
        </form>
        {problem !== undefined && (
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        )}
        {verdict !== undefined && <Verdict verdict={verdict} />}
      </div>
    </Panel>
  )
}

function Verdict({ verdict }: { readonly verdict: AuditVerification }) {
  const t = useText()
  const { ok, node, entries, findings, holders, silent } = verdict
  return (
    <div className="stack" role="status">
      <StateMark
        tone={ok ? 'good' : 'bad'}
        label={ok ? t('audit.whole', { node, n: entries }) : t('audit.broken', { node })}
      />
      {findings.length > 0 && (
        <ul className="small">
          {findings.map(({ kind, from, to, text }) => (
            <li key={`${kind}-${from}-${to}`}>{text}</li>
          ))}
        </ul>
      )}
      <p className="quiet small">
        {holders.length === 0
          ? t('audit.noHolders')
          : t('audit.holders', { nodes: holders.map((one) => one.node).join(', ') })}{' '}
        {silent.length > 0 && t('audit.silent', { nodes: silent.join(', ') })}
      </p>
    </div>
  )
}
