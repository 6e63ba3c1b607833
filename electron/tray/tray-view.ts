/** What the tray shows, as pure functions. */
import type { Facts, NodeState } from '../core/messages.ts'
import type { Words } from './words.ts'

/** Each has a shape of its own, for those who do not tell the colours apart. */
export type TrayState = 'healthy' | 'degraded' | 'fault' | 'paused' | 'off'

export function trayStateOf(node: NodeState, facts: Facts | undefined): TrayState {
  if (node.kind === 'down') return 'fault'
  if (node.kind !== 'up' || facts === undefined) return 'off'
  const { faults, links, paused } = facts
  if (['revoked', 'expired'].includes(facts.node.state)) return 'fault'
  if (faults.some(({ severity }) => severity === 'critical')) return 'fault'
  if (links.all > 0 && links.up === 0) return 'fault'
  if (paused) return 'paused'
  if (facts.node.state !== 'up') return 'off'
  return faults.some(({ severity }) => severity === 'warning') || links.up < links.all
    ? 'degraded'
    : 'healthy'
}

/** One sentence, the worst news first. */
export function verdictOf(words: Words, node: NodeState, facts: Facts | undefined): string {
  switch (node.kind) {
    case 'starting':
      return words.starting
    case 'stopped':
      return words.stopped
    case 'down':
      return words.down(node.problem.message)
  }
  if (facts === undefined) return words.noMesh
  const { name, mesh, state } = facts.node
  if (state === 'revoked' || state === 'expired') return words.noMember(name, mesh, state)
  const { links, faults, approvals, paused } = facts
  const parts = [
    ...(faults.length > 0 ? [words.faults(faults.length)] : []),
    ...(links.all === 0 ? [words.noLinks] : [words.links(links.up, links.all)]),
    ...(approvals.length > 0 ? [words.approvals(approvals.length)] : []),
    ...(paused ? [words.paused] : []),
  ]
  return `${name} in ${mesh}: ${parts.join(', ')}`
}

/** An entry of a menu, without the functions that Electron wants in it. */
export type TrayEntry =
  | { readonly kind: 'separator' }
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'do'; readonly label: string; readonly action: TrayAction }
  | { readonly kind: 'menu'; readonly label: string; readonly entries: readonly TrayEntry[] }

export type TrayAction =
  | { readonly what: 'open'; readonly page: string }
  | { readonly what: 'start-node' }
  | { readonly what: 'pause-healing'; readonly paused: boolean }
  | { readonly what: 'quit' }

const MAX_LISTED = 8
const MAX_LABEL = 70
const short = (text: string): string => (text.length <= MAX_LABEL ? text : `${text.slice(0, MAX_LABEL - 1)}…`)

export function trayEntriesOf(words: Words, node: NodeState, facts: Facts | undefined): readonly TrayEntry[] {
  const hosted = node.kind === 'up' && node.hosted
  return [
    { kind: 'text', label: short(verdictOf(words, node, facts)) },
    { kind: 'separator' },
    ...listed(words, words.incidents, facts?.faults ?? [], 'incidents'),
    ...listed(words, words.pendingApprovals, facts?.approvals ?? [], 'incidents'),
    ...pauseEntry(words, facts),
    { kind: 'do', label: words.openConsole, action: { what: 'open', page: 'overview' } },
    ...(node.kind === 'stopped' || node.kind === 'down'
      ? [{ kind: 'do', label: words.startNode, action: { what: 'start-node' } } as const]
      : []),
    { kind: 'separator' },
    {
      kind: 'do',
      label: hosted ? words.quitBoth : words.quit,
      action: { what: 'quit' },
    },
  ]
}

function listed(
  words: Words,
  title: string,
  items: readonly { readonly title: string; readonly page: string }[],
  all: string,
): readonly TrayEntry[] {
  if (items.length === 0) return [{ kind: 'text', label: `${title}: ${words.none}` }]
  const shown = items.slice(0, MAX_LISTED).map(
    ({ title: label, page }): TrayEntry => ({
      kind: 'do',
      label: short(label),
      action: { what: 'open', page },
    }),
  )
  const more: readonly TrayEntry[] =
    items.length > MAX_LISTED
      ? [{ kind: 'do', label: words.more(items.length - MAX_LISTED), action: { what: 'open', page: all } }]
      : []
  return [{ kind: 'menu', label: `${title}: ${items.length}`, entries: [...shown, ...more] }]
}

function pauseEntry(words: Words, facts: Facts | undefined): readonly TrayEntry[] {
  if (facts === undefined) return []
  const label = facts.paused ? words.resume : words.pause
  return [{ kind: 'do', label, action: { what: 'pause-healing', paused: !facts.paused } }]
}
