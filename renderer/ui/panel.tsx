import { createContext, type ReactNode, useContext, useEffect, useId, useRef } from 'react'
import { Icon, type IconName } from './icon.tsx'
import { StateMark } from './state-mark.tsx'
import type { Tone } from './tones.ts'

interface PanelProps {
  readonly title: string
  readonly aside?: ReactNode
  /** The body touches the frame: for tables and pictures. */
  readonly flush?: boolean
  readonly children: ReactNode
}

/** A framed part of a page with its own heading. */
export function Panel({ title, aside, flush = false, children }: PanelProps) {
  const id = useId()
  return (
    <section className={`panel${flush ? ' panel-flush' : ''}`} aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      <div className="panel-body">{children}</div>
    </section>
  )
}

interface PageHeadProps {
  readonly title: string
  readonly lead?: ReactNode
  readonly before?: ReactNode
  readonly actions?: ReactNode
}

/** Whether a page that opens takes the focus: whoever hears it is told that it is another one. Not the first page. */
export const TakesFocus = createContext(false)

export function PageHead({ title, lead, before, actions }: PageHeadProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  const takesFocus = useContext(TakesFocus)
  useEffect(() => {
    if (takesFocus) heading.current?.focus({ preventScroll: true })
  }, [takesFocus])
  return (
    <div className="page-head">
      <div className="grow">
        {before}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <p className="quiet">{lead}</p>}
      </div>
      {actions !== undefined && <div className="row">{actions}</div>}
    </div>
  )
}

interface NoticeProps {
  readonly tone: Tone
  readonly label: string
  readonly children: ReactNode
  /** Read out when it appears. */
  readonly alert?: boolean
}

export function Notice({ tone, label, children, alert = false }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={alert ? 'alert' : undefined}>
      <StateMark tone={tone} label={label} />
      <div className="grow stack">{children}</div>
    </div>
  )
}

interface EmptyProps {
  readonly icon: IconName
  readonly title: string
  readonly children?: ReactNode
}

/** Nothing to show, and that is known: it says what would bring something here. */
export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <Icon name={icon} size={28} />
      <p className="empty-title">{title}</p>
      {children}
    </div>
  )
}

export function Facts({ items }: { readonly items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {items.map(([name, value]) => (
        <FactRow key={name} name={name} value={value} />
      ))}
    </dl>
  )
}

function FactRow({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  )
}
