import { useEffect, useState } from 'react'
import { incidentIdSchema } from '../../../node-core/contract/incidents-schemas.ts'
import { showToast, useAction } from '../../state/action.ts'
import { allIncidents, playbookByName, playbookList } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Choice, Confirm, TextArea } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, PageHead, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { hrefOf, navigate } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import { useHealWords } from '../../view/heal-words.ts'
import { nextDraft, TEMPLATE } from './draft.ts'
import { DryRun, type DryRunOutcome, PlaybookProblems } from './dry-run.tsx'

/** The address of a playbook that is not there yet; no playbook may be called so: a name has no capital letters. */
export const NEW = 'New'
const FILE = 'editor'
const CHECK_AFTER_MS = 400
const ROWS = 24

/** One playbook as a text: checked against the schema as it is typed, tried on an incident, kept in the node's home. */
export function EditorPage({ name }: { readonly name: string }) {
  return name === NEW ? <Editor name={undefined} document={TEMPLATE} isOwn={false} /> : <Known name={name} />
}

function Known({ name }: { readonly name: string }) {
  const known = useKnown(playbookByName(name))
  return (
    <WhenKnown known={known} lines={8}>
      {({ playbook }) => (
        <Editor
          // Another version is another text to begin with.
          key={`${playbook.playbook}-${playbook.version}-${playbook.origin}`}
          name={name}
          document={playbook.document}
          isOwn={playbook.origin !== 'shipped'}
        />
      )}
    </WhenKnown>
  )
}

interface EditorProps {
  /** Undefined for one that is not there yet. */
  readonly name: string | undefined
  readonly document: string
  /** Of a person: it can be removed. */
  readonly isOwn: boolean
}

function Editor({ name, document, isOwn }: EditorProps) {
  const t = useText()
  const words = useHealWords()
  const may = useMay('admin')
  const [text, setText] = useState(document)
  const [asksRemoval, setAsksRemoval] = useState(false)
  const { problems, checked } = useCheck(text)
  const { run, busy, problem } = useAction()
  const isChanged = text !== document

  async function save(): Promise<void> {
    let saved = ''
    const done = await run(async (client) => {
      saved = (await client.playbooks.save({ document: text })).playbook.playbook
    })
    if (!done) return
    await Promise.all([playbookList.refresh(), playbookByName(saved).refresh()])
    showToast('good', t('playbooks.saved', { name: saved }))
    navigate(hrefOf('playbooks', saved))
  }

  return (
    <>
      <PageHead
        before={
          <p className="crumbs">
            <a href={hrefOf('playbooks')}>{t('nav.playbooks')}</a>
          </p>
        }
        title={name === undefined ? t('playbooks.new') : words.playbook(name)}
        lead={name === undefined ? t('playbooks.newLead') : <code>{name}</code>}
        actions={
          may && (
            <>
              {isOwn && (
                <ActionButton variant="danger" icon="trash" onClick={() => setAsksRemoval(true)}>
                  {t('remove')}
                </ActionButton>
              )}
              {!isChanged && name !== undefined && (
                <ActionButton icon="note" onClick={() => setText(nextDraft(document))}>
                  {t('playbooks.change')}
                </ActionButton>
              )}
              <ActionButton
                variant="filled"
                icon="check"
                busy={busy}
                disabled={problems.length > 0 || !checked || (!isChanged && name !== undefined)}
                onClick={() => void save()}
              >
                {t('playbooks.save')}
              </ActionButton>
            </>
          )
        }
      />
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      <div className="grid-even">
        <Panel title={t('playbooks.document')}>
          <div className="stack">
            <TextArea
              label={t('playbooks.document')}
              hideLabel
              value={text}
              onChange={setText}
              rows={ROWS}
              mono
            />
            {problems.length > 0 ? (
              <PlaybookProblems problems={problems} />
            ) : (
              checked && <StateMark tone="good" label={t('playbooks.valid')} />
            )}
          </div>
        </Panel>
        <TryPanel text={text} />
      </div>
      {asksRemoval && name !== undefined && <Removal name={name} onClose={() => setAsksRemoval(false)} />}
    </>
  )
}

/** What the node says of the text, once nobody has typed for a moment. */
function useCheck(text: string): { readonly problems: readonly string[]; readonly checked: boolean } {
  const { run } = useAction()
  const [said, setSaid] = useState<{ readonly of: string; readonly problems: readonly string[] }>()
  useEffect(() => {
    let isCurrent = true
    const timer = setTimeout(() => {
      void run(async (client) => {
        const { problems } = await client.playbooks.test({ document: text, file: FILE, against: null })
        if (isCurrent) setSaid({ of: text, problems })
      })
    }, CHECK_AFTER_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [run, text])
  return { problems: said?.problems ?? [], checked: said?.of === text }
}

/** A dry run on one of the incidents that this node knows. */
function TryPanel({ text }: { readonly text: string }) {
  const t = useText()
  const words = useHealWords()
  const { value: incidents = [] } = useKnown(allIncidents)
  const [chosen, setChosen] = useState('')
  const [outcome, setOutcome] = useState<DryRunOutcome>()
  const { run, busy, problem } = useAction()
  const against = incidentIdSchema.safeParse(chosen === '' ? incidents[0]?.id : chosen).data
  return (
    <Panel title={t('playbooks.dryRun')}>
      <div className="stack stack-l">
        <p className="quiet">{t('playbooks.dryRunLead')}</p>
        {incidents.length === 0 ? (
          <p>{t('playbooks.noIncident')}</p>
        ) : (
          <>
            <Choice
              label={t('playbooks.against')}
              value={against ?? ''}
              onChange={setChosen}
              options={incidents.map((one) => ({ value: one.id, label: words.title(one) }))}
            />
            <div className="form-end">
              <ActionButton
                icon="play"
                busy={busy}
                disabled={against === undefined}
                onClick={() =>
                  void run(async (client) =>
                    setOutcome(
                      await client.playbooks.test({ document: text, file: FILE, against: against ?? null }),
                    ),
                  )
                }
              >
                {t('playbooks.dryRun')}
              </ActionButton>
            </div>
          </>
        )}
        {problem !== undefined && (
          <Notice tone="bad" label={t('tone.bad')} alert>
            <ProblemText problem={problem} />
          </Notice>
        )}
        {outcome !== undefined && <DryRun outcome={outcome} />}
      </div>
    </Panel>
  )
}

function Removal({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const t = useText()
  const { run, busy, problem } = useAction()
  async function remove(): Promise<void> {
    if (!(await run((client) => client.playbooks.remove({ playbook: name })))) return
    await playbookList.refresh()
    showToast('good', t('playbooks.removed', { name }))
    navigate(hrefOf('playbooks'))
  }
  return (
    <Confirm
      title={t('playbooks.removeTitle', { name })}
      action={t('remove')}
      danger
      busy={busy}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <p>{t('playbooks.removeText')}</p>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
    </Confirm>
  )
}
