import type { NodeEvent, TopicHead } from '../../contract/events-schemas.ts'

/** Where the items of a topic come from, and what becomes of them. */
export interface TopicSource<I> {
  items(): readonly I[]
  key(item: I): string
  /** What of an item counts as a change: all of it by default. Leave out what moves by itself, such as a measurement's last digits. */
  fingerprint?(item: I): unknown
  event(head: TopicHead, set: I[]): NodeEvent
  /** Calls back when the items may be others than before; the returned function ends that. Without it they are looked at every second. */
  watch?(changed: () => void): () => void
}

/** The states of one topic by their numbers, as far as they are remembered. */
export interface TopicLog {
  readonly watch: ((changed: () => void) => () => void) | undefined
  /** Looks at the items; true when a new state came of it. */
  refresh(now: number): boolean
  /** What a reader at state `cursor` needs, in order; nothing when it is up to date. A new reader has no cursor. */
  since(cursor: number | undefined): readonly NodeEvent[]
  seq(): number
}

/** So that one event stays small beside the 4 MiB that a reader may cost. */
const MAX_ITEMS_PER_EVENT = 256
/** Of the changes that are remembered, in keys; a reader that is further behind gets a snapshot. */
const MAX_REMEMBERED_KEYS = 4_096

interface State {
  readonly seq: number
  readonly keys: readonly string[]
}

interface Held<I> {
  readonly item: I
  readonly print: string
}

/**
 * Only keys are remembered: whoever catches up gets the items as they are now, so several changes of one item cost no
 * more than one, and a reader that is slow costs no memory at all.
 */
export function createTopicLog<I>(source: TopicSource<I>): TopicLog {
  const { fingerprint = (item: I): unknown => item } = source
  let held = new Map<string, Held<I>>()
  const states: State[] = []
  let remembered = 0
  let seq = 0
  let at = 0

  function remember(keys: readonly string[]): void {
    states.push({ seq, keys })
    remembered += keys.length
    while (remembered > MAX_REMEMBERED_KEYS) remembered -= states.shift()?.keys.length ?? remembered
  }

  function chunks(cursor: number | undefined, items: readonly I[], removed: string[]): NodeEvent[] {
    const head = { seq, at }
    const events: NodeEvent[] = []
    for (let start = 0; start === 0 || start < items.length; start += MAX_ITEMS_PER_EVENT) {
      const set = items.slice(start, start + MAX_ITEMS_PER_EVENT)
      if (start > 0) events.push(source.event({ ...head, kind: 'change', from: seq, removed: [] }, set))
      else if (cursor === undefined) {
        events.push(source.event({ ...head, kind: 'snapshot', from: null, removed: [] }, set))
      } else events.push(source.event({ ...head, kind: 'change', from: cursor, removed }, set))
    }
    return events
  }

  return {
    watch: source.watch,
    refresh(now) {
      const items = new Map<string, Held<I>>()
      for (const item of source.items()) {
        items.set(source.key(item), { item, print: JSON.stringify(fingerprint(item)) })
      }
      const changed = [
        ...[...items].flatMap(([key, { print }]) => (held.get(key)?.print === print ? [] : [key])),
        ...[...held.keys()].filter((key) => !items.has(key)),
      ]
      held = items
      at = now
      if (changed.length === 0 && seq > 0) return false
      seq += 1
      remember(changed)
      return true
    },
    since(cursor) {
      if (cursor === seq) return []
      const missed = cursor === undefined ? [] : states.filter((state) => state.seq > cursor)
      const first = missed[0]
      if (cursor === undefined || first?.seq !== cursor + 1) {
        return chunks(
          undefined,
          [...held.values()].map(({ item }) => item),
          [],
        )
      }
      const keys = [...new Set(missed.flatMap((state) => state.keys))]
      return chunks(
        cursor,
        keys.flatMap((key) => held.get(key)?.item ?? []),
        keys.filter((key) => !held.has(key)),
      )
    },
    seq: () => seq,
  }
}
