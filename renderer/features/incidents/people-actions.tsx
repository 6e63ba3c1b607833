import { useState } from 'react'
import type { IncidentDetail } from '../../../node-core/contract/incidents-schemas.ts'
import type { NodeClient } from '../../bridge/line.ts'
import { useAction } from '../../state/action.ts'
import { allIncidents, incidentById } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useSelf } from '../../state/topic-store.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm, TextArea } from '../../ui/controls.tsx'
import { Notice } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'

const SILENCE_MS = 3_600_000

/** Acknowledge, own, note, silence, close: each is on the timeline afterwards. */
export function PeopleActions({ incident }: { readonly incident: IncidentDetail }) {
  const t = useText()
  const may = useMay('operator')
  const me = useSelf()?.name ?? ''
  const { run, busy, problem } = useAction()
  const [asked, setAsked] = useState<'note' | 'resolve'>()
  const { id, owner } = incident
  const over = incident.state === 'resolved'
  const silenced = incident.silencedUntil !== null

  async function act(work: (client: NodeClient) => Promise<unknown>): Promise<boolean> {
    const done = await run(work)
    await Promise.all([incidentById(id).refresh(), allIncidents.refresh()])
    return done
  }

  if (!may) return null
  return (
    <>
      <div className="row">
        {incident.acknowledgedBy === null && !over && (
          <ActionButton
            variant="filled"
            icon="check"
            busy={busy}
            onClick={() => void act((client) => client.incidents.acknowledge({ id }))}
          >
            {t('incident.acknowledge')}
          </ActionButton>
        )}
        {!over && (
          <ActionButton
            icon="person"
            busy={busy}
            onClick={() =>
              void act((client) => client.incidents.own({ id, owner: owner === null ? me : null }))
            }
          >
            {owner === null ? t('incident.own') : t('incident.disown')}
          </ActionButton>
        )}
        <ActionButton icon="note" onClick={() => setAsked('note')}>
          {t('incident.note')}
        </ActionButton>
        {!over && (
          <ActionButton
            icon={silenced ? 'bell' : 'bellOff'}
            busy={busy}
            onClick={() =>
              void act((client) => client.incidents.silence({ id, forMs: silenced ? 0 : SILENCE_MS }))
            }
          >
            {silenced ? t('incident.unsilence') : t('incident.silence')}
          </ActionButton>
        )}
        {!over && (
          <ActionButton variant="danger" onClick={() => setAsked('resolve')}>
            {t('incident.resolve')}
          </ActionButton>
        )}
      </div>
      {problem !== undefined && (
        <Notice tone="bad" label={t('tone.bad')} alert>
          <ProblemText problem={problem} />
        </Notice>
      )}
      {asked !== undefined && (
        <RemarkDialog
          kind={asked}
          busy={busy}
          onClose={() => setAsked(undefined)}
          onSay={(text) =>
            void act((client) =>
              asked === 'note'
                ? client.incidents.note({ id, text })
                : client.incidents.resolve({ id, reason: text }),
            ).then((done) => {
              if (done) setAsked(undefined)
            })
          }
        />
      )}
    </>
  )
}

interface RemarkDialogProps {
  readonly kind: 'note' | 'resolve'
  readonly busy: boolean
  readonly onSay: (text: string) => void
  readonly onClose: () => void
}

function RemarkDialog({ kind, busy, onSay, onClose }: RemarkDialogProps) {
  const t = useText()
  const [text, setText] = useState('')
  return (
    <Confirm
      title={kind === 'note' ? t('incident.note') : t('incident.resolveTitle')}
      action={kind === 'note' ? t('incident.noteDo') : t('incident.resolve')}
      busy={busy}
      disabled={text.trim() === ''}
      onConfirm={() => onSay(text.trim())}
      onClose={onClose}
    >
      {kind === 'resolve' && <p>{t('incident.resolveText')}</p>}
      <TextArea
        label={kind === 'note' ? t('incident.noteText') : t('incident.reason')}
        value={text}
        onChange={setText}
      />
    </Confirm>
  )
}
