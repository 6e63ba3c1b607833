import type { Path } from './ports.ts'

/** What decides which carriers a session should have. */
export interface CarrierSituation {
  /** The opener looks after the standby; the other end only acts when it has nothing left. */
  readonly isOpener: boolean
  /** Whether it is time for a standby: short sessions do without. */
  readonly wantsStandby: boolean
  /** Whether the last change of the primary is long enough ago to change it for a cheaper path. */
  readonly mayImprove: boolean
  /** What routing offers, cheapest first. */
  readonly paths: readonly Path[]
  readonly carriers: readonly PlacedCarrier[]
}

export interface PlacedCarrier {
  readonly path: Path
  readonly isPrimary: boolean
  /** It stalled, and was not heard of since. */
  readonly hasFailed: boolean
}

export type CarrierPlan =
  | { readonly kind: 'enough'; readonly surplus: readonly number[] }
  /** Dial one of these, the first that can be tried; it becomes the primary at both ends. */
  | { readonly kind: 'primary'; readonly isUrgent: boolean; readonly paths: readonly Path[] }
  | { readonly kind: 'standby'; readonly paths: readonly Path[] }

export const pathKey = (path: Path): string => path.join('>')

/** Whether no single node between the ends, and no direct link, serves both. */
export function areDisjoint(left: Path, right: Path): boolean {
  if (left.length <= 1 && right.length <= 1) return false
  const between = new Set(left.slice(0, -1))
  return !right.slice(0, -1).some((peer) => between.has(peer))
}

/** Decides purely what a session lacks, the most urgent first. */
export function planCarriers(situation: CarrierSituation): CarrierPlan {
  const { isOpener, paths, carriers } = situation
  const primary = carriers.find(({ isPrimary }) => isPrimary)
  if (primary === undefined || carriers.every(({ hasFailed }) => hasFailed)) {
    return { kind: 'primary', isUrgent: true, paths: untriedFirst(paths, carriers) }
  }
  if (!isOpener) return { kind: 'enough', surplus: [] }
  const standby = carriers.find(
    ({ isPrimary, hasFailed, path }) => !isPrimary && !hasFailed && areDisjoint(path, primary.path),
  )
  // Where a carrier has failed no second one is sent after it; should it be heard of again, it is a standby again.
  const untried = paths.filter(
    (path) => !carriers.some((other) => other.hasFailed && isSame(other.path, path)),
  )
  if (standby === undefined && situation.wantsStandby) {
    const candidates = untried.filter((path) => areDisjoint(path, primary.path))
    if (candidates.length > 0) return { kind: 'standby', paths: candidates }
  }
  const best = untried[0]
  const isBest = best === undefined || isSame(best, primary.path)
  if (!isBest && situation.mayImprove) return { kind: 'primary', isUrgent: false, paths: [best] }
  if (standby === undefined) return { kind: 'enough', surplus: [] }
  const surplus = carriers.flatMap((other, index) => (other === primary || other === standby ? [] : [index]))
  return { kind: 'enough', surplus }
}

const isSame = (left: Path, right: Path): boolean => pathKey(left) === pathKey(right)

/** The way that a carrier just failed on is the last to try again. */
function untriedFirst(paths: readonly Path[], carriers: readonly PlacedCarrier[]): readonly Path[] {
  const hasFailed = (path: Path): boolean => carriers.some((carrier) => isSame(carrier.path, path))
  return [...paths.filter((path) => !hasFailed(path)), ...paths.filter(hasFailed)]
}
