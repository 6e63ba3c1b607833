import { useState } from 'react'
import { useAction } from '../../state/action.ts'
import { healStatus } from '../../state/heal.ts'
import { useMay } from '../../state/line-store.ts'
import { useKnown } from '../../state/resource.ts'
import { useText } from '../../text/text.ts'
import { ActionButton, Confirm, TextField } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Notice, Panel } from '../../ui/panel.tsx'
import { ProblemText } from '../../ui/problem.tsx'
import { StateMark } from '../../ui/state-mark.tsx'
import type { Tone } from '../../ui/tones.ts'

const LOOP_TONES: Readonly<Record<'watching' | 'healing' | 'paused' | 'safe-mode', Tone>> = {
  watching: 'good',
  healing: 'info',
  paused: 'attention',
  'safe-mode': 'bad',
}

/** Whether the node repairs by itself now, and the way to stop that with a reason. */
export function LoopPanel() {
  const t = useText()
  const known = useKnown(healStatus)
  const may = useMay('operator')
  const [asking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const { run, busy, problem } = useAction()
  const after = (): Promise<void> => healStatus.refresh()
  return (
    <Panel title={t('loop.title')}>
      <WhenKnown known={known} lines={1}>
        {({ state, paused }) => (
          <div className="row row-apart">
            <span className="row">
              <StateMark tone={LOOP_TONES[state]} label={t(`loop.${state}`)} />
              {paused !== null && (
                <span className="quiet">{t('loop.why', { reason: paused.reason, by: paused.by })}</span>
              )}
            </span>
            {may &&
              (state === 'paused' || state === 'safe-mode' ? (
                <ActionButton
                  icon="play"
                  busy={busy}
                  onClick={() => void run((client) => client.heal.resume()).then(after)}
                >
                  {t('loop.resume')}
                </ActionButton>
              ) : (
                <ActionButton icon="pause" onClick={() => setAsking(true)}>
                  {t('loop.pause')}
                </ActionButton>
              ))}
          </div>
        )}
      </WhenKnown>
      {asking && (
        <Confirm
          title={t('loop.pauseTitle')}
          action={t('loop.pause')}
          busy={busy}
          disabled={reason.trim() === ''}
          onClose={() => setAsking(false)}
          onConfirm={() =>
            void run((client) => client.heal.pause({ reason: reason.trim() })).then(async (done) => {
              await after()
              if (done) setAsking(false)
            })
          }
        >
          <p>{t('loop.pauseText')}</p>
          <TextField label={t('loop.reason')} value={reason} onChange={setReason} />
          {problem !== undefined && (
            <Notice tone="bad" label={t('tone.bad')} alert>
              <ProblemText problem={problem} />
            </Notice>
          )}
        </Confirm>
      )}
    </Panel>
  )
}
