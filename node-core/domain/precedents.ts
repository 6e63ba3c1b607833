import type { Outcome } from './history.ts'

/** A past incident that looked like this one, and what helped. */
export interface Precedent {
  readonly outcome: Outcome
  /** 0 to 1; 1 is the same. */
  readonly similarity: number
}

/** However long the memory is, one look costs no more than this. */
const MAX_COMPARED = 2_000

/**
 * The nearest of the past, most similar first. Each feature counts by its own spread among what is compared, so that
 * one in milliseconds does not outweigh one in shares; vectors of another length are of another version and left out.
 */
export function findPrecedents(
  features: readonly number[],
  past: readonly Outcome[],
  limit: number,
): readonly Precedent[] {
  if (!features.every(Number.isFinite)) return []
  const compared = past
    .slice(0, MAX_COMPARED)
    .filter(
      (outcome) => outcome.features.length === features.length && outcome.features.every(Number.isFinite),
    )
  const spreads = features.map((own, n) => {
    const values = [own, ...compared.map((outcome) => outcome.features[n] ?? own)]
    return Math.max(...values) - Math.min(...values)
  })
  const similarityTo = (other: readonly number[]): number => {
    const parts = features.map((own, n) => {
      const spread = spreads[n] ?? 0
      return spread === 0 ? 0 : ((own - (other[n] ?? own)) / spread) ** 2
    })
    const distance = Math.sqrt(parts.reduce((sum, part) => sum + part, 0) / Math.max(1, parts.length))
    return 1 - Math.min(1, distance)
  }
  return compared
    .map((outcome) => ({ outcome, similarity: similarityTo(outcome.features) }))
    .sort((a, b) => b.similarity - a.similarity || b.outcome.at - a.outcome.at)
    .slice(0, limit)
}
