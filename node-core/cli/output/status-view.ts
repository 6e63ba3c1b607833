import type { HealthItem, Link, Member, Status } from '../../contract/schemas.ts'
import { renderForwards, renderServices, renderSocks } from './service-tables.ts'
import { oneLine, type Paint, type Tone } from './style.ts'
import { type Cell, renderPairs, renderTable } from './table.ts'
import { formatDuration } from './time.ts'
import { verdictOf } from './verdict.ts'

const LINK_TONES = { up: 'green', degraded: 'yellow', suspect: 'yellow', down: 'red' } as const
const SEVERITY_TONES = { info: 'dim', warning: 'yellow', critical: 'red' } as const satisfies Record<
  HealthItem['severity'],
  Tone
>
const KEYSTORE_TEXT = {
  passphrase: 'sealed with a passphrase',
  keyfile: 'opens with a key file: whoever can read this home is this node',
} as const

export const linkState = (state: Link['state']): Cell => ({ text: state, tone: LINK_TONES[state] })
export const orDash = (ms: number | null): string => (ms === null ? '-' : formatDuration(ms))

/** The way to a member in words. */
export function pathText({ reachable, hops, via }: Member, nameOf: (peer: string) => string): string {
  if (hops === 0) return 'this node'
  if (!reachable) return 'not reachable'
  return via.length === 0 ? 'direct' : `via ${via.map(nameOf).join(', ')}`
}

/** How long ago, with the unknown as unknown. */
export const seenText = ({ hops, seenMs }: Member): string =>
  hops === 0 ? 'now' : seenMs === null ? 'never' : `${formatDuration(seenMs)} ago`

/** The protocol id without the part that all suites share. */
export const suiteText = (suite: string | null): string =>
  suite === null ? '-' : suite.replace(/^\/x0t\//, '')

function linkRows({ links }: Status): Cell[][] {
  return links.map((link) => [
    link.name,
    linkState(link.state),
    orDash(link.rttMs),
    link.lossEstimate === null ? '-' : `${(link.lossEstimate * 100).toFixed(1)} %`,
    suiteText(link.suite),
    formatDuration(link.sinceMs),
  ])
}

function memberRows({ members }: Status): Cell[][] {
  const names = new Map<string, string>(members.map(({ peer, name }) => [peer, name]))
  return members.map((member) => [
    member.name,
    member.role,
    pathText(member, (peer) => names.get(peer) ?? peer),
    seenText(member),
  ])
}

/** The verdict first, then what it rests on. Sections that are empty are left out. */
export function renderStatus(status: Status, paint: Paint): string {
  const verdict = verdictOf(status)
  const { node, health } = status
  const sections = [
    paint(verdict.tone, oneLine(verdict.text)),
    renderPairs(
      [
        ['node', `${node.name} (${node.peerId}), x0t ${node.version}`],
        ['keystore', KEYSTORE_TEXT[node.keystore]],
      ],
      paint,
    ),
  ]
  const add = (count: number, render: () => string): void => {
    if (count > 0) sections.push(render())
  }
  add(health.length, () =>
    renderTable(
      paint,
      ['HEALTH', 'WHAT'],
      health.map((item) => [
        { text: item.severity, tone: SEVERITY_TONES[item.severity] },
        `${item.title} [${item.code}]`,
      ]),
    ),
  )
  add(status.links.length, () =>
    renderTable(paint, ['LINK', 'STATE', 'RTT', 'LOSS (ESTIMATED)', 'SUITE', 'FOR'], linkRows(status)),
  )
  add(status.members.length, () => renderTable(paint, ['MEMBER', 'ROLE', 'PATH', 'SEEN'], memberRows(status)))
  add(status.services.length, () => renderServices(paint, status.services))
  add(status.forwards.length, () => renderForwards(paint, status.forwards))
  add(status.socks.length, () => renderSocks(paint, status.socks))
  return sections.join('\n\n')
}
