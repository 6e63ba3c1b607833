import type { Clock } from '../../platform/clock.ts'
import type { RoutingStore } from './ports.ts'

/** The numbers of this node's own adverts: none is ever used twice. */
export interface OwnNumbers {
  /** The number of the next advert. */
  next(): { readonly incarnation: number; readonly seq: number }
  /** Goes on above a number that others have seen. */
  jumpAbove(incarnation: number): void
}

const INCARNATION_KEY = 'routing.incarnation'

/**
 * A new incarnation begins with each start: one above the last, and at least the time in seconds, so that a home that
 * was restored from a backup does not repeat numbers that it has forgotten. It is on disk before it is used.
 */
export function createOwnNumbers(clock: Clock, store: RoutingStore): OwnNumbers {
  let incarnation: number | undefined
  let seq = 0
  const begin = (atLeast: number): number => {
    const stored = Number(store.get(INCARNATION_KEY) ?? 0)
    const remembered = Number.isSafeInteger(stored) && stored >= 0 ? stored : 0
    const begun = Math.max(remembered + 1, Math.floor(clock.now() / 1_000), atLeast)
    store.set(INCARNATION_KEY, String(begun))
    incarnation = begun
    seq = 0
    return begun
  }
  return {
    next() {
      const current = incarnation ?? begin(0)
      seq += 1
      return { incarnation: current, seq }
    },
    jumpAbove(seen) {
      if (incarnation === undefined || seen >= incarnation) begin(seen + 1)
    },
  }
}
