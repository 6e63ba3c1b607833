import { useState } from 'react'
import type { PolicyVersionView } from '../../../node-core/contract/policy-schemas.ts'
import { useAction } from '../../state/action.ts'
import { policyHistory, policyNow } from '../../state/policy.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, PageHead, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { DataTable } from '../../ui/table.tsx'
import { Ago } from '../../view/parts.tsx'
import { CanPanel } from './can-panel.tsx'
import { PolicyEditor } from './policy-editor.tsx'

/** A text to begin with that is not the version in force: an earlier one. */
interface Earlier {
  readonly number: number
  readonly document: string
}

/** One signed document for all nodes: what it says, what another one would change, and what it was before. */
export function PolicyPage() {
  const t = useText()
  const known = useKnown(policyNow)
  const [earlier, setEarlier] = useState<Earlier>()
  return (
    <>
      <PageHead title={t('nav.policy')} lead={t('policy.lead')} />
      <WhenKnown known={known} lines={8}>
        {({ policy, writable }) => (
          <>
            {!writable && (
              <Notice tone="info" label={t('policy.readOnly')}>
                <p>{t('policy.readOnlyText')}</p>
              </Notice>
            )}
            <PolicyEditor
              // Another version in force, or an earlier one to go back to, is another text to begin with.
              key={`${policy?.number ?? 0}-${earlier?.number ?? 0}`}
              current={policy}
              begins={earlier?.document ?? policy?.document ?? ''}
              earlier={earlier?.number}
              writable={writable}
              onDone={() => setEarlier(undefined)}
            />
          </>
        )}
      </WhenKnown>
      <CanPanel />
      <History onBack={setEarlier} />
    </>
  )
}

function History({ onBack }: { readonly onBack: (earlier: Earlier) => void }) {
  const t = useText()
  const format = useFormat()
  const known = useKnown(policyHistory)
  const current = useKnown(policyNow).value?.policy?.number
  const { run, busy, problem } = useAction()

  async function open({ number }: PolicyVersionView): Promise<void> {
    await run(async (client) => {
      const { policy } = await client.policy.show({ number })
      if (policy === null) return
      onBack({ number, document: policy.document })
      window.scrollTo(0, 0)
    })
  }

  return (
    <Panel title={t('policy.history')} flush>
      {problem !== undefined && (
        <div className="panel-body">
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        </div>
      )}
      <WhenKnown known={known}>
        {(versions) => (
          <DataTable
            id="policies"
            label={t('policy.history')}
            rows={versions}
            rowKey={({ number }) => String(number)}
            empty={<p className="empty">{t('policy.noHistory')}</p>}
            columns={[
              {
                key: 'number',
                label: t('config.version'),
                value: ({ number }) => number,
                cell: ({ number }) => (
                  <span className="row">
                    {format.number(number)}
                    {number === current && <span className="tag tag-accent">{t('config.current')}</span>}
                  </span>
                ),
              },
              {
                key: 'signed',
                label: t('policy.signed'),
                value: ({ signedAt }) => signedAt,
                cell: ({ signedAt }) => <Ago at={signedAt} />,
              },
              {
                key: 'rules',
                label: t('policy.rules'),
                end: true,
                value: ({ rules }) => rules,
                cell: ({ rules }) => format.number(rules),
              },
              {
                key: 'tests',
                label: t('policy.tests'),
                end: true,
                value: ({ tests }) => tests,
                cell: ({ tests }) => format.number(tests),
              },
              {
                key: 'actions',
                label: t('actions'),
                cell: (version) =>
                  version.number !== current && (
                    <ActionButton
                      variant="subtle"
                      icon="undo"
                      busy={busy}
                      label={t('policy.openNamed', { number: String(version.number) })}
                      onClick={() => void open(version)}
                    >
                      {t('policy.open')}
                    </ActionButton>
                  ),
              },
            ]}
          />
        )}
      </WhenKnown>
    </Panel>
  )
}
