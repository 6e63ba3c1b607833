import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Patience } from './path-table.ts'

/** A gain has to last this long: the first round trips of a young link, or one busy moment, say nothing. */
const HOLD_MS = 5_000
/** Only suspicion makes a difference of this size, and then every moment counts. */
const URGENT_GAIN_US = 1_000_000

export interface PatienceKeeper extends Patience {
  /** Whether some gain has lasted long enough and nobody was told so yet. */
  hasRunOut(): boolean
}

/** It remembers one moment for each target that was asked for, of which there are no more than members. */
export function createPatience(clock: Clock): PatienceKeeper {
  const sinceMs = new Map<PeerId, number>()
  const told = new Set<PeerId>()
  const lasted = (ms: number): boolean => clock.monotonicMs() - ms >= HOLD_MS
  return {
    isOver(target, gainUs) {
      const since = sinceMs.get(target) ?? clock.monotonicMs()
      const isOver = gainUs >= URGENT_GAIN_US || lasted(since)
      told.delete(target)
      if (isOver) sinceMs.delete(target)
      else sinceMs.set(target, since)
      return isOver
    },
    settled(target) {
      sinceMs.delete(target)
      told.delete(target)
    },
    hasRunOut() {
      const due = [...sinceMs].filter(([target, since]) => lasted(since) && !told.has(target))
      for (const [target] of due) told.add(target)
      return due.length > 0
    },
  }
}
