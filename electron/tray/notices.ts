/** Which changes a person is told of, and when to keep quiet. Pure: the time comes in. */
import { z } from 'zod'
import type { Facts, NodeState } from '../core/messages.ts'
import type { Words } from './words.ts'

const hour = z.number().int().min(0).max(23)

export const noticeChoiceSchema = z.object({
  critical: z.boolean().default(true),
  warning: z.boolean().default(true),
  approvals: z.boolean().default(true),
  recovery: z.boolean().default(true),
  /** Between these hours only what is critical is shown; null for never. The end is not in it. */
  quiet: z.object({ from: hour, to: hour }).nullable().default(null),
})
export type NoticeChoice = z.infer<typeof noticeChoiceSchema>

export interface Notice {
  readonly title: string
  readonly body: string
  /** What the console shows when it is clicked. */
  readonly page: string
  readonly urgent: boolean
}

type Kind = 'critical' | 'warning' | 'approvals' | 'recovery'

interface Item {
  readonly kind: Kind
  readonly title: string
  readonly page: string
}

export interface Moment {
  readonly atMs: number
  /** 0 to 23, of the person's own clock. */
  readonly hour: number
}

/** The same trouble is told once in this time, however often it comes and goes. */
export const SAME_AGAIN_MS = 10 * 60_000
/** More than this many notices in this time become one that counts them. */
const BURST = 4
const BURST_MS = 60_000
const MAX_REMEMBERED = 500

export const isQuiet = ({ quiet }: NoticeChoice, at: number): boolean =>
  quiet !== null &&
  (quiet.from <= quiet.to ? at >= quiet.from && at < quiet.to : at >= quiet.from || at < quiet.to)

export interface Notices {
  /** @returns what to show now */
  take(node: NodeState, facts: Facts | undefined, choice: NoticeChoice, moment: Moment): readonly Notice[]
}

export function createNotices(words: Words): Notices {
  let present: ReadonlyMap<string, Item> | undefined
  /** When a thing was last told of. */
  const told = new Map<string, number>()
  let shownAt: number[] = []

  function wanted(kind: Kind, choice: NoticeChoice, { hour }: Moment): boolean {
    return choice[kind] && (kind === 'critical' || !isQuiet(choice, hour))
  }

  function isNews(key: string, { atMs }: Moment): boolean {
    const before = told.get(key)
    if (before !== undefined && atMs - before < SAME_AGAIN_MS) return false
    told.delete(key)
    told.set(key, atMs)
    const [oldest] = told.keys()
    if (told.size > MAX_REMEMBERED && oldest !== undefined) told.delete(oldest)
    return true
  }

  function paced(found: readonly Notice[], { atMs }: Moment): readonly Notice[] {
    shownAt = shownAt.filter((at) => atMs - at < BURST_MS)
    const room = Math.max(0, BURST - shownAt.length)
    const urgentFirst = found.toSorted((one, other) => Number(other.urgent) - Number(one.urgent))
    const shown = found.length <= room ? urgentFirst : urgentFirst.slice(0, Math.max(0, room - 1))
    const rest = found.length - shown.length
    const more: readonly Notice[] =
      rest > 0 && room > 0
        ? [{ title: words.moreChanges(rest), body: words.seeConsole, page: 'overview', urgent: false }]
        : []
    const all = [...shown, ...more]
    shownAt.push(...all.map(() => atMs))
    return all
  }

  return {
    take(node, facts, choice, moment) {
      // While the node starts or its facts are not there yet, nothing is known: that is no recovery.
      const now = itemsOf(node, facts, present)
      if (now === undefined) return []
      const before = present
      present = now
      const found: Notice[] = []
      for (const [key, item] of now) {
        if (before?.has(key) === true || !wanted(item.kind, choice, moment) || !isNews(key, moment)) continue
        found.push(noticeOf(words, item))
      }
      const over = [...(before ?? [])].filter(([key, { kind }]) => !now.has(key) && isFault(kind))
      for (const [key, { title }] of over) {
        // Nobody hears of the end of what they did not hear of.
        if (!told.has(key) || !wanted('recovery', choice, moment) || !isNews(`over ${key}`, moment)) continue
        found.push({ title: words.recovered, body: title, page: 'overview', urgent: false })
      }
      return paced(found, moment)
    },
  }
}

const isFault = (kind: Kind): boolean => kind === 'critical' || kind === 'warning'

function noticeOf(words: Words, { kind, title, page }: Item): Notice {
  const head = {
    critical: words.fault,
    warning: words.warning,
    approvals: words.approvalWanted,
    recovery: words.recovered,
  }
  return { title: head[kind], body: title, page, urgent: kind === 'critical' }
}

function itemsOf(
  node: NodeState,
  facts: Facts | undefined,
  before: ReadonlyMap<string, Item> | undefined,
): ReadonlyMap<string, Item> | undefined {
  if (node.kind === 'down') {
    const down: Item = { kind: 'critical', title: node.problem.message, page: 'overview' }
    return new Map([...(before ?? []), ['node', down]])
  }
  if (node.kind !== 'up' || facts === undefined) return undefined
  const items = new Map<string, Item>()
  for (const { key, severity, title, page, silenced } of facts.faults) {
    if (severity !== 'info' && !silenced) items.set(`fault ${key}`, { kind: severity, title, page })
  }
  for (const { key, title, page } of facts.approvals) {
    items.set(`approval ${key}`, { kind: 'approvals', title, page })
  }
  return items
}
