/**
 * Which sessions of one peer are over. Numbers grow within a boot epoch, so that old ones need not be remembered one by
 * one: what is far below the newest is over. Nothing is ever forgotten in favour of a session that could come back.
 */
export interface Tombstones {
  add(epoch: number, counter: number, outcome: 'finished' | 'gone'): void
  /** `unused` when no session of that id has ended here. */
  look(epoch: number, counter: number): 'finished' | 'gone' | 'unused'
}

const KEPT_PER_EPOCH = 4_096
const EPOCHS_KEPT = 4

interface Graveyard {
  readonly outcomes: Map<number, 'finished' | 'gone'>
  /** All up to here are over. */
  floor: number
}

export function createTombstones(): Tombstones {
  const epochs = new Map<number, Graveyard>()
  return {
    add(epoch, counter, outcome) {
      const yard = epochs.get(epoch) ?? { outcomes: new Map(), floor: -1 }
      // The newest used is the last in order.
      epochs.delete(epoch)
      epochs.set(epoch, yard)
      yard.outcomes.set(counter, outcome)
      const [oldest] = yard.outcomes.keys()
      if (yard.outcomes.size > KEPT_PER_EPOCH && oldest !== undefined) {
        yard.outcomes.delete(oldest)
        yard.floor = Math.max(yard.floor, oldest)
      }
      const [stalest] = epochs.keys()
      if (epochs.size > EPOCHS_KEPT && stalest !== undefined) epochs.delete(stalest)
    },
    look(epoch, counter) {
      const yard = epochs.get(epoch)
      if (yard === undefined) return 'unused'
      return yard.outcomes.get(counter) ?? (counter <= yard.floor ? 'gone' : 'unused')
    },
  }
}
