import { useState } from 'react'
import type { NodeName } from '../../../node-core/domain/ids.ts'
import { useAction } from '../../state/action.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { ActionButton } from '../../ui/controls.tsx'
import { StateMark } from '../../ui/state-mark.tsx'

const WAITS_MS = 5_000

/** One round trip, measured now. */
export function PingButton({ name }: { readonly name: NodeName }) {
  const t = useText()
  const format = useFormat()
  const { run, busy, problem } = useAction()
  const [answer, setAnswer] = useState<{ readonly good: boolean; readonly text: string }>()

  async function ping(): Promise<void> {
    await run(async (client) => {
      const { answered, rttMs, via, detail } = await client.node.ping({ node: name, timeoutMs: WAITS_MS })
      const path = via.length === 0 ? t('ping.direct') : t('ping.via', { names: via.join(', ') })
      setAnswer({
        good: answered,
        text: answered
          ? t('ping.pong', { rtt: format.milliseconds(rttMs), path })
          : (detail ?? t('ping.silent')),
      })
    })
  }
  const failed = problem === undefined ? undefined : { good: false, text: problem.message }
  const shown = failed ?? answer
  return (
    <span className="row" aria-live="polite">
      {shown !== undefined && !busy && <StateMark tone={shown.good ? 'good' : 'bad'} label={shown.text} />}
      <ActionButton icon="bolt" busy={busy} onClick={() => void ping()}>
        {t('ping.do')}
      </ActionButton>
    </span>
  )
}
