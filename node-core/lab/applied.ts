import type { Applied, Impairment } from '../contract/lab.ts'
import type { NodeName } from '../domain/ids.ts'
import { type DirectionState, type LinkState, OPEN_LINK } from './impairment/state.ts'
import type { TopologyLink } from './topology.ts'

/** RFC 6298 says at least 1 s, Linux takes 200 ms. */
const RTO_MS = 200

/** Which of them exclude each other: a link is cut, or a black hole, or flaps; it has one delay, one loss, one rate. */
function sortOf({ kind }: Pick<Impairment, 'kind'>): 'gate' | 'delay' | 'loss' | 'throttle' {
  switch (kind) {
    case 'cut':
    case 'blackhole':
    case 'oneway':
    case 'flap':
      return 'gate'
    case 'delay':
    case 'loss':
    case 'throttle':
      return kind
  }
}

const isShape = (impairment: Impairment): boolean => sortOf(impairment) !== 'gate'

/**
 * The impairments of a link after one more. What excludes the new one goes; a shape in one direction leaves the same
 * kind in the other direction alone.
 */
export function addImpairment(
  applied: readonly Applied[],
  { a, b }: TopologyLink,
  from: NodeName,
  impairment: Impairment,
  oneWay: boolean,
): readonly Applied[] {
  const bothWays = impairment.kind !== 'oneway' && !(oneWay && isShape(impairment))
  const added: Applied = { impairment, from, to: from === a ? b : a, bothWays }
  const sort = sortOf(impairment)
  const kept = applied.flatMap((other): readonly Applied[] => {
    if (sortOf(other.impairment) !== sort) return [other]
    if (bothWays || sort === 'gate') return []
    if (!other.bothWays) return other.from === from ? [] : [other]
    // It was in both directions; now it is in the other one alone.
    return [{ ...other, from: added.to, to: from, bothWays: false }]
  })
  return [...kept, added]
}

/** What the proxy has to do. */
export function linkStateOf(applied: readonly Applied[], link: TopologyLink): LinkState {
  return applied.reduce((state, one) => withImpairment(state, one, link), OPEN_LINK)
}

/** The end `b` dials, so `forth` is from `b` to `a`. */
function withImpairment(
  state: LinkState,
  { impairment, from, bothWays }: Applied,
  { a }: TopologyLink,
): LinkState {
  const shape = (change: Partial<DirectionState>): LinkState => ({
    ...state,
    ...(bothWays || from !== a ? { forth: { ...state.forth, ...change } } : {}),
    ...(bothWays || from === a ? { back: { ...state.back, ...change } } : {}),
  })
  switch (impairment.kind) {
    case 'cut':
      return { ...state, cut: true }
    case 'flap':
      return { ...state, flap: { downMs: impairment.downMs, upMs: impairment.upMs } }
    case 'blackhole':
    case 'oneway':
      return shape({ held: true })
    case 'delay':
      return shape({ delay: { ms: impairment.ms, jitterMs: impairment.jitterMs } })
    case 'loss':
      return shape({ loss: { rate: impairment.rate, rtoMs: RTO_MS } })
    case 'throttle':
      return shape({ throttle: { bytesPerSecond: impairment.bytesPerSecond } })
  }
}
