import { type Tally, withOutcome } from '../plan/ranking.ts'
import type { OutcomeStore } from './ports.ts'

const MAX_TALLIED = 2_000

/** What the outcomes say of each playbook against a symptom, the oldest first, so that what is old fades. */
export function talliesOf(outcomes: OutcomeStore, code: string): readonly Tally[] {
  const tallies = new Map<string, Tally>()
  for (const { playbook, succeeded } of outcomes.recent(MAX_TALLIED, code).toReversed()) {
    const before = tallies.get(playbook) ?? { playbook, code, wins: 0, losses: 0 }
    tallies.set(playbook, withOutcome(before, succeeded))
  }
  return [...tallies.values()]
}
