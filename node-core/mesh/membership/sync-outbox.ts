import type { DigestLine, Item, ItemKind } from './replica.ts'
import { digestMessages, isFull, overflows, type SyncMessage, summaryOf } from './sync-messages.ts'

/** What an outbox reads from: the node's own replica. */
export interface OutboxSource {
  digest(): readonly DigestLine[]
  read(line: Pick<DigestLine, 'kind' | 'name'>): Item | undefined
}

/**
 * What one neighbour has still to be told. It holds names and not bytes: a thing that changes twice before it is sent
 * is sent once, in its newest form, and the outbox can never hold more than there are things.
 */
export interface Outbox {
  add(line: Pick<DigestLine, 'kind' | 'name'>): void
  /** The whole digest is to be sent (again). */
  addDigest(): void
  addSummary(): void
  /** The next message, taken out; `undefined` when there is nothing to say. */
  next(): SyncMessage | undefined
  /** Resolves as soon as there is something to say, or with the signal. */
  filled(signal: AbortSignal): Promise<void>
}

export function createOutbox(source: OutboxSource): Outbox {
  const pending = new Map<string, { readonly kind: ItemKind; readonly name: string }>()
  let digest: SyncMessage[] = []
  let wantsDigest = false
  let wantsSummary = false
  let wake: (() => void) | undefined

  const touch = (): void => {
    wake?.()
    wake = undefined
  }
  const isEmpty = (): boolean => pending.size === 0 && digest.length === 0 && !wantsDigest && !wantsSummary

  return {
    add({ kind, name }) {
      pending.set(`${kind} ${name}`, { kind, name })
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
function takeItems(
  pending: Map<string, Pick<DigestLine, 'kind' | 'name'>>,
  source: OutboxSource,
): SyncMessage | undefined {
  const items: Item[] = []
  for (const [key, line] of pending) {
    const item = source.read(line)
    if (item !== undefined && overflows(items, item)) break
    pending.delete(key)
    if (item !== undefined) items.push(item)
    if (isFull(items)) break
  }
  return items.length === 0 ? undefined : { kind: 'items', items }
}
