import { Component, type ReactNode, Suspense, useEffect, useState } from 'react'
import { healStatus, openIncidents } from '../state/heal.ts'
import { useKnown } from '../state/resource.ts'
import { useText } from '../text/text.ts'
import { ActionButton } from '../ui/controls.tsx'
import { Icon } from '../ui/icon.tsx'
import { Empty, Notice, TakesFocus } from '../ui/panel.tsx'
import { hrefOf, PAGES, type PageName, useHash, useRoute } from '../ui/route.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { ConfigDrop } from './config-drop.tsx'
import { LineNotice } from './line-notice.tsx'
import { PAGE_ENTRIES } from './pages.tsx'
import { VerdictBar } from './verdict-bar.tsx'
import { ViewMenu } from './view-menu.tsx'

export function Shell() {
  const t = useText()
  const { page } = useRoute()
  const hash = useHash()
  // Open for one address: the menu closes by itself when it has led to another.
  const [openAt, setOpenAt] = useState<string>()
  const open = openAt === hash
  return (
    <div className="shell">
      <header className="side" data-open={open || undefined}>
        <div className="brand">
          <a href={hrefOf('overview')} aria-label={t('brand.home')}>
            <Wordmark />
          </a>
          <button
            type="button"
            className="menu-button"
            aria-expanded={open}
            aria-controls="nav"
            onClick={() => setOpenAt(open ? undefined : hash)}
          >
            <Icon name={open ? 'close' : 'menu'} />
            <span className="sr-only">{t('nav.menu')}</span>
          </button>
        </div>
        <nav id="nav" aria-label={t('nav.label')}>
          <ul>
            {PAGES.map((name) => (
              <NavItem key={name} name={name} current={page === name} />
            ))}
          </ul>
          <ViewMenu />
        </nav>
      </header>
      <div className="body">
        <VerdictBar />
        <main id="main" tabIndex={-1} className="main">
          <LineNotice />
          <CurrentPage />
          <ConfigDrop />
        </main>
      </div>
    </div>
  )
}

function Wordmark() {
  return (
    <svg
      className="wordmark"
      viewBox="0 0 112 24"
      width="112"
      height="24"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M5 5.5 12 3l7 2.5v6.3c0 4.6-3 7.7-7 9.2-4-1.5-7-4.6-7-9.2z" fill="var(--accent-fill)" />
      <path
        d="M8.5 9.5 12 12.5l3.5-3M12 12.5V17"
        stroke="#fff"
        strokeWidth="1.6"
        fill="none"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
      <text x="26" y="17" className="wordmark-text">
        {'x0tta6bl4'}
      </text>
    </svg>
  )
}

function NavItem({ name, current }: { readonly name: PageName; readonly current: boolean }) {
  const t = useText()
  const { title, icon } = PAGE_ENTRIES[name]
  return (
    <li>
      <a className="nav-item" href={hrefOf(name)} aria-current={current ? 'page' : undefined}>
        <Icon name={icon} />
        <span>{t(title)}</span>
        {name === 'incidents' && <IncidentCount />}
      </a>
    </li>
  )
}

function IncidentCount() {
  const t = useText()
  const { value: incidents = [] } = useKnown(openIncidents)
  const waiting = useKnown(healStatus).value?.waiting.length ?? 0
  if (incidents.length === 0 && waiting === 0) return null
  return (
    <span className={`nav-count${waiting > 0 ? ' nav-count-attention' : ''}`}>
      {incidents.length === 0 ? waiting : incidents.length}
      {waiting > 0 && <span className="sr-only">, {t('verdict.waiting', { n: waiting })}</span>}
    </span>
  )
}

function CurrentPage() {
  const t = useText()
  const { page, id } = useRoute()
  // On the map another node is selected without leaving it.
  const where = page === 'topology' ? page : `${page}/${id ?? ''}`
  const [first] = useState(where)
  const [left, setLeft] = useState(false)
  if (!left && where !== first) setLeft(true)
  useEffect(() => {
    if (where !== '') window.scrollTo(0, 0)
  }, [where])
  useEffect(() => {
    const name = page === 'unknown' ? '' : t(PAGE_ENTRIES[page].title)
    document.title = [id, name, 'x0tta6bl4'].filter((part) => part !== undefined && part !== '').join(' · ')
  }, [page, id, t])
  if (page === 'unknown') {
    return (
      <Empty icon="search" title={t('page.unknown')}>
        <p>
          <a href={hrefOf('overview')}>{t('page.toOverview')}</a>
        </p>
      </Empty>
    )
  }
  const { Page } = PAGE_ENTRIES[page]
  return (
    <div className="page stack stack-l">
      <PageGuard key={where} message={t('page.broken')} again={t('retry')} label={t('tone.bad')}>
        <Suspense fallback={<Skeleton lines={6} />}>
          <TakesFocus value={left}>
            <Page id={id} />
          </TakesFocus>
        </Suspense>
      </PageGuard>
    </div>
  )
}

interface GuardProps {
  readonly message: string
  readonly again: string
  readonly label: string
  readonly children: ReactNode
}

/** A page that breaks takes nothing else with it. */
class PageGuard extends Component<GuardProps, { readonly broken: boolean }> {
  override state = { broken: false }

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }

  override render(): ReactNode {
    const { message, again, label, children } = this.props
    if (!this.state.broken) return children
    return (
      <Notice tone="bad" label={label} alert>
        <p>{message}</p>
        <div>
          <ActionButton icon="refresh" onClick={() => this.setState({ broken: false })}>
            {again}
          </ActionButton>
        </div>
      </Notice>
    )
  }
}
