import type { NodeClient } from '../../bridge/line.ts'
import { serviceLevels } from '../../state/history.ts'
import { useKnown } from '../../state/resource.ts'
import { useFormat } from '../../text/format.ts'
import { useText } from '../../text/text.ts'
import { Choice } from '../../ui/controls.tsx'
import { WhenKnown } from '../../ui/known.tsx'
import { Facts, PageHead, Panel } from '../../ui/panel.tsx'
import { hrefOf, useFilter } from '../../ui/route.ts'
import { StateMark } from '../../ui/state-mark.tsx'
import type { Tone } from '../../ui/tones.ts'
import { useTitleOf } from '../../view/heal-words.ts'
import { Kind } from '../../view/parts.tsx'

type Levels = Awaited<ReturnType<NodeClient['slo']['get']>>

const VERDICT_TONES: Readonly<Record<Levels['mttr']['verdict'], Tone>> = {
  met: 'good',
  missed: 'bad',
  unknown: 'unknown',
}
const WINDOWS = ['1', '7', '30'] as const

/** Whether the mesh keeps what it is asked for, and what that rests on. */
export function SloPage() {
  const t = useText()
  const [days, setDays] = useFilter('days')
  const window = WINDOWS.find((one) => one === days) ?? '30'
  const known = useKnown(serviceLevels(window))
  return (
    <>
      <PageHead
        title={t('nav.slo')}
        lead={t('slo.lead')}
        actions={
          <Choice
            label={t('slo.window')}
            hideLabel
            value={window}
            onChange={setDays}
            options={WINDOWS.map((value) => ({ value, label: t('slo.days', { n: Number(value) }) }))}
          />
        }
      />
      <WhenKnown known={known}>
        {(levels) => (
          <div className="grid-even">
            <Availability levels={levels} />
            <Repair levels={levels} />
          </div>
        )}
      </WhenKnown>
    </>
  )
}

function Availability({ levels }: { readonly levels: Levels }) {
  const t = useText()
  const format = useFormat()
  const { target, value, samples, coveredMs, worst, verdict } = levels.availability
  return (
    <Panel
      title={t('slo.availability')}
      aside={<StateMark tone={VERDICT_TONES[verdict]} label={t(`slo.${verdict}`)} pill />}
    >
      <div className="stack">
        <p className="row">
          <span className="big">{format.exactShare(value)}</span>
          <Kind kind="measured" />
        </p>
        <Facts
          items={[
            [t('slo.target'), format.exactShare(target)],
            [t('slo.samples'), format.number(samples)],
            [t('slo.covered'), format.duration(coveredMs)],
            [
              t('slo.impaired'),
              t('slo.impairedText', {
                duration: format.duration(levels.impaired.ms),
                n: levels.impaired.incidents,
              }),
            ],
          ]}
        />
        {worst.length > 0 && (
          <div>
            <h3>{t('slo.worst')}</h3>
            <ul className="small">
              {worst.map(({ at, value: share }) => (
                <li key={at} className="row">
                  <span className="nowrap">{t('slo.from', { time: format.dateTime(at) })}</span>{' '}
                  <span>{format.exactShare(share)}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Panel>
  )
}

function Repair({ levels }: { readonly levels: Levels }) {
  const t = useText()
  const titleOf = useTitleOf()
  const format = useFormat()
  const { targetMs, medianMs, p95Ms, repaired, unresolved, slowest, verdict } = levels.mttr
  return (
    <Panel
      title={t('slo.repair')}
      aside={<StateMark tone={VERDICT_TONES[verdict]} label={t(`slo.${verdict}`)} pill />}
    >
      <div className="stack">
        <p className="row">
          <span className="big">{format.milliseconds(medianMs)}</span>
          <Kind kind="measured" />
        </p>
        <Facts
          items={[
            [t('slo.target'), format.milliseconds(targetMs)],
            [t('slo.p95'), p95Ms === null ? t('slo.tooFew') : format.milliseconds(p95Ms)],
            [t('slo.repaired'), format.number(repaired)],
            [t('slo.unresolved'), format.number(unresolved)],
          ]}
        />
        {slowest.length > 0 && (
          <div>
            <h3>{t('slo.slowest')}</h3>
            <ul className="small">
              {slowest.map(({ id, title, durationMs }) => (
                <li key={id} className="row">
                  <a href={hrefOf('incidents', id)}>{titleOf(id, title)}</a>
                  <span className="quiet">{format.milliseconds(durationMs)}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Panel>
  )
}
