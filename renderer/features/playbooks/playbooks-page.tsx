import type { PlaybookSummary } from '../../../node-core/contract/heal-schemas.ts'
import { PLAYBOOK_MODES } from '../../../node-core/domain/plan.ts'
import { showToast, useAction } from '../../state/action.ts'
import { playbookList } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Choice, LinkButton, Toggle } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, PageHead, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { hrefOf } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { type Column, DataTable } from '../../ui/table.tsx'
import { RISK_TONES } from '../../view/heal-tones.ts'
import { useHealWords } from '../../view/heal-words.ts'
import { EditorPage, NEW } from './editor-page.tsx'
import { LoopPanel } from './loop-panel.tsx'

export function PlaybooksPage({ id }: { readonly id: string | undefined }) {
  return id === undefined ? <PlaybookList /> : <EditorPage name={id} />
}

/** What answers to which symptom, how far it may go by itself, and how well it has worked. */
function PlaybookList() {
  const t = useText()
  const known = useKnown(playbookList)
  return (
    <>
      <PageHead
        title={t('nav.playbooks')}
        lead={t('playbooks.lead')}
        actions={
          <LinkButton icon="plus" href={hrefOf('playbooks', NEW)}>
            {t('playbooks.new')}
          </LinkButton>
        }
      />
      <LoopPanel />
      <Panel title={t('playbooks.table')} flush>
        <WhenKnown known={known}>
          {({ items, problems }) => (
            <>
              {problems.length > 0 && (
                <div className="panel-body">
                  <Notice tone="attention" label={t('tone.attention')}>
                    <p>{t('playbooks.unusable')}</p>
                    <ul className="small mono">
                      {problems.map((problem) => (
                        <li key={problem}>{problem}</li>
                      ))}
                    </ul>
                  </Notice>
                </div>
              )}
              <PlaybookTable items={items} />
            </>
          )}
        </WhenKnown>
      </Panel>
    </>
  )
}

function PlaybookTable({ items }: { readonly items: readonly PlaybookSummary[] }) {
  const t = useText()
  const format = useFormat()
  const words = useHealWords()
  const may = useMay('operator')
  const { run, busy, problem } = useAction()

  async function set(
    playbook: string,
    change: { enabled?: boolean; mode?: PlaybookSummary['setMode'] },
  ): Promise<void> {
    const done = await run((client) => client.playbooks.set({ playbook, ...change }))
    await playbookList.refresh()
    if (done) showToast('good', t('playbooks.set', { name: playbook }))
  }

  const columns: readonly Column<PlaybookSummary>[] = [
    {
      key: 'title',
      label: t('playbooks.name'),
      value: ({ title, playbook }) => words.playbook(playbook, title),
      cell: ({ title, playbook, symptoms }) => (
        <>
          <a href={hrefOf('playbooks', playbook)}>{words.playbook(playbook, title)}</a>
          <span className="quiet tiny block mono">
            {playbook}: {symptoms.join(', ')}
          </span>
        </>
      ),
    },
    {
      key: 'risk',
      label: t('plan.risk'),
      value: ({ risk }) => risk,
      cell: ({ risk }) => <StateMark tone={RISK_TONES[risk]} label={t(`risk.${risk}`)} />,
    },
    {
      key: 'mode',
      label: t('plan.mode'),
      value: ({ setMode, mode }) => setMode ?? mode,
      cell: ({ playbook, mode, setMode }) => (
        <Choice
          label={t('playbooks.modeOf', { name: playbook })}
          hideLabel
          value={setMode ?? ''}
          disabled={!may || busy}
          onChange={(value) =>
            void set(playbook, { mode: PLAYBOOK_MODES.find((one) => one === value) ?? null })
          }
          options={[
            { value: '', label: t('playbooks.fileMode', { mode: t(`mode.${mode}`) }) },
            ...PLAYBOOK_MODES.map((value) => ({ value, label: t(`mode.${value}`) })),
          ]}
        />
      ),
    },
    {
      key: 'enabled',
      label: t('playbooks.enabled'),
      value: ({ enabled }) => (enabled ? 1 : 0),
      cell: ({ playbook, enabled }) => (
        <Toggle
          label={enabled ? t('playbooks.on') : t('playbooks.off')}
          checked={enabled}
          disabled={!may || busy}
          onChange={(next) => void set(playbook, { enabled: next })}
        />
      ),
    },
    {
      key: 'learned',
      label: t('playbooks.learned'),
      value: ({ wins }) => wins,
      cell: ({ wins, losses }) =>
        wins + losses === 0 ? (
          <span className="quiet">{t('playbooks.untried')}</span>
        ) : (
          t('playbooks.record', { wins: format.number(wins), losses: format.number(losses) })
        ),
    },
    {
      key: 'origin',
      label: t('playbooks.origin'),
      value: ({ origin }) => origin,
      cell: ({ origin }) =>
        origin === 'shipped' ? t('playbooks.shipped') : <span title={origin}>{t('playbooks.own')}</span>,
    },
  ]
  return (
    <>
      {problem !== undefined && (
        <div className="panel-body">
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        </div>
      )}
      <DataTable
        id="playbooks"
        label={t('playbooks.table')}
        rows={items}
        columns={columns}
        rowKey={({ playbook }) => playbook}
        sortBy="title"
        searchable
        empty={<p className="empty">{t('playbooks.none')}</p>}
      />
    </>
  )
}
