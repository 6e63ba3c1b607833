import {
  digestMessages,
  type FloodMessage,
  isFull,
  MAX_WANTS_IN_FRAME,
  overflows,
  summaryOf,
} from './flood-messages.ts'
import type { DigestLine, Item, ItemName } from './replica.ts'

/** What an outbox reads from: the node's own replica. */
export interface OutboxSource<K extends string = string> {
  digest(): readonly DigestLine<K>[]
  read(name: ItemName<K>): Item<K> | undefined
}

/**
 * What one neighbour has still to be told. It holds names and not bytes: a thing that changes twice before it is sent
 * is sent once, in its newest form, and the outbox can never hold more than there are things.
 */
export interface Outbox<K extends string = string> {
  add(name: ItemName<K>): void
  /** Asks for what this node lacks. Beyond a frame of them in waiting, more are dropped: the digests catch up. */
  want(name: ItemName<K>): void
  /** The whole digest is to be sent (again). */
  addDigest(): void
  addSummary(): void
  /** The next message, taken out; `undefined` when there is nothing to say. */
  next(): FloodMessage<K> | undefined
  /** Resolves as soon as there is something to say, or with the signal. */
  filled(signal: AbortSignal): Promise<void>
}

const keyOf = ({ kind, name }: ItemName): string => `${kind} ${name}`

export function createOutbox<K extends string>(source: OutboxSource<K>): Outbox<K> {
  const pending = new Map<string, ItemName<K>>()
  const wants = new Map<string, ItemName<K>>()
  let digest: FloodMessage<K>[] = []
  let wantsDigest = false
  let wantsSummary = false
  let wake: (() => void) | undefined

  const touch = (): void => {
    wake?.()
    wake = undefined
  }
  const isEmpty = (): boolean =>
    pending.size === 0 && wants.size === 0 && digest.length === 0 && !wantsDigest && !wantsSummary

  return {
    add({ kind, name }) {
      pending.set(keyOf({ kind, name }), { kind, name })
      touch()
    },
    want({ kind, name }) {
      if (wants.size >= MAX_WANTS_IN_FRAME) return
      wants.set(keyOf({ kind, name }), { kind, name })
      touch()
    },
    addDigest() {
      wantsDigest = true
      touch()
    },
    addSummary() {
      wantsSummary = true
      touch()
    },
    next() {
      if (wantsDigest && digest.length === 0) {
        wantsDigest = false
        digest = [...digestMessages(source.digest())]
      }
      const part = digest.shift()
      if (part !== undefined) return part
      if (wants.size > 0) {
        const names = [...wants.values()]
        wants.clear()
        return { kind: 'want', names }
      }
      const items = takeItems(pending, source)
      if (items !== undefined) return items
      if (!wantsSummary) return undefined
      wantsSummary = false
      return { kind: 'summary', hash: summaryOf(source.digest()) }
    },
    filled(signal) {
      if (!isEmpty() || signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const done = (): void => {
          signal.removeEventListener('abort', done)
          resolve()
        }
        wake = done
        signal.addEventListener('abort', done, { once: true })
      })
    },
  }
}

/** Takes out as many things as one message holds. */
function takeItems<K extends string>(
  pending: Map<string, ItemName<K>>,
  source: OutboxSource<K>,
): FloodMessage<K> | undefined {
  const items: Item<K>[] = []
  for (const [key, name] of pending) {
    const item = source.read(name)
    if (item !== undefined && overflows(items, item)) break
    pending.delete(key)
    if (item !== undefined) items.push(item)
    if (isFull(items)) break
  }
  return items.length === 0 ? undefined : { kind: 'items', items }
}
