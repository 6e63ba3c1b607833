import type { LinkState } from '../../node-core/domain/link.ts'
import type { FigureKind, Severity } from '../../node-core/domain/symptom.ts'
import { useIsLive } from '../state/line-store.ts'
import { useNow } from '../state/now.ts'
import { hybridSuite, useFormat } from '../text/format.ts'
import { useText } from '../text/text.ts'
import { hrefOf } from '../ui/route.ts'
import { StateMark } from '../ui/state-mark.tsx'
import { LINK_TONES, MEMBER_TONES, type Member, memberState, SERVICE_TONES, SEVERITY_TONES } from './tones.ts'

/** What was healthy when the node was last heard is not shown as healthy while it is not. */
const useTone = <T extends string>(tone: T): T | 'unknown' => (useIsLive() ? tone : 'unknown')

export function LinkMark({ state, pill = false }: { readonly state: LinkState; readonly pill?: boolean }) {
  const t = useText()
  return <StateMark tone={useTone(LINK_TONES[state])} label={t(`link.${state}`)} pill={pill} />
}

export function MemberMark({ member }: { readonly member: Member }) {
  const t = useText()
  const state = memberState(member)
  return <StateMark tone={useTone(MEMBER_TONES[state])} label={t(`member.${state}`)} />
}

export function ServiceMark({ state }: { readonly state: keyof typeof SERVICE_TONES }) {
  const t = useText()
  return <StateMark tone={useTone(SERVICE_TONES[state])} label={t(`service.${state}`)} />
}

export function SeverityMark({ severity }: { readonly severity: Severity }) {
  const t = useText()
  return <StateMark tone={SEVERITY_TONES[severity]} label={t(`severity.${severity}`)} pill />
}

/** A post-quantum suite by name; anything else is called out. */
export function SuiteText({ suite }: { readonly suite: string | null }) {
  const t = useText()
  const format = useFormat()
  if (suite === null) return <span className="quiet">{t('unknown')}</span>
  const hybrid = hybridSuite(suite)
  if (hybrid === undefined) return <StateMark tone="bad" label={t('suite.foreign', { suite })} />
  return <span>{format.suite(suite)}</span>
}

/** Says of a figure where it comes from. */
export function Kind({ kind }: { readonly kind: FigureKind | 'advertised' }) {
  const t = useText()
  return <span className="figure-kind">{t(`figure.${kind}`)}</span>
}

export function NodeLink({ name }: { readonly name: string }) {
  return (
    <a className="nowrap" href={hrefOf('nodes', name)}>
      {name}
    </a>
  )
}

/** How long ago, with the moment itself for whoever points at it. */
export function Ago({ at }: { readonly at: number | null }) {
  const t = useText()
  const format = useFormat()
  const now = useNow()
  if (at === null) return <span className="quiet">{t('unknown')}</span>
  return (
    <time className="nowrap" dateTime={new Date(at).toISOString()} title={format.dateTime(at)}>
      {format.ago(now - at)}
    </time>
  )
}

const SOON_MS = 24 * 3_600_000

/** How long until then; near the end and after it, with a mark. */
export function Until({ at, soonMs = SOON_MS }: { readonly at: number; readonly soonMs?: number }) {
  const format = useFormat()
  const left = at - useNow()
  const text = (
    <time className="nowrap" dateTime={new Date(at).toISOString()} title={format.dateTime(at)}>
      {format.until(left)}
    </time>
  )
  if (left > soonMs) return text
  return (
    <span className="row">
      <StateMark tone={left <= 0 ? 'bad' : 'attention'} label={format.until(left)} />
    </span>
  )
}
