import type { PeerId } from '../../domain/ids.ts'
import { costOf, disjointFrom, disjointPaths } from './disjoint-paths.ts'
import type { Path } from './shortest-path.ts'
import type { Topology } from './topology.ts'

/** Peers from the first hop to the target, which is the last one. `[peer]` is the direct link. */
export type Hops = readonly PeerId[]

export interface CostedPath {
  readonly hops: Hops
  readonly costUs: number
}

/** For how long another path has to be clearly cheaper before traffic moves to it. */
export interface Patience {
  /** Whether a gain that is there now has lasted, or is too large to wait. */
  isOver(target: PeerId, gainUs: number): boolean
  /** There is no gain to be had any more. */
  settled(target: PeerId): void
}

const IMPATIENT: Patience = { isOver: () => true, settled: () => {} }

/** Paths from one node over one topology, worked out when they are asked for and kept until the next. */
export interface PathTable {
  pathsTo(target: PeerId): readonly CostedPath[]
}

/** A new path has to be this much cheaper than the one in use, by share and by time. */
const GAIN = { share: 0.2, us: 2_000 }
/** And by more to leave a direct link: whoever carries for others spends their strength, and reads who talks to whom. */
const GAIN_OVER_DIRECT = { share: 0.5, us: 20_000 }

/**
 * @param before the paths in use, which stay unless others are clearly better: traffic that changes its way is
 * reordered and stalls for a moment, so a gain that measurement noise could explain is none
 */
export function createPathTable(
  topology: Topology,
  self: PeerId,
  before: (target: PeerId) => readonly CostedPath[],
  patience: Patience = IMPATIENT,
): PathTable {
  const found = new Map<PeerId, readonly CostedPath[]>()
  const source = topology.numberOf.get(self)
  const work = (target: PeerId): readonly CostedPath[] => {
    const goal = topology.numberOf.get(target)
    if (source === undefined || goal === undefined || goal === source) return []
    const best = disjointPaths(topology, source, goal)
    const kept = incumbent(topology, source, before(target)[0]?.hops, [target])
    const gainUs = kept === undefined ? 0 : gainOver(kept, best[0])
    if (gainUs === undefined) patience.settled(target)
    const leaves = kept === undefined || (gainUs !== undefined && patience.isOver(target, gainUs))
    const chosen = leaves ? best : stayOn(topology, kept, best, source, goal)
    return chosen.map((path) => costed(topology, path))
  }
  return {
    pathsTo(target) {
      const known = found.get(target)
      if (known !== undefined) return known
      const paths = work(target)
      found.set(target, paths)
      return paths
    },
  }
}

/**
 * What a better path has to beat: the path in use, and a direct link where there is one. A path over others that was
 * taken when there was no direct link, or a bad one, is given back once it has lost most of what it was better by.
 */
function incumbent(
  topology: Topology,
  source: number,
  inUse: Hops | undefined,
  straight: Hops,
): Path | undefined {
  const direct = recost(topology, source, straight)
  const used = inUse && recost(topology, source, inUse)
  if (used === undefined || direct === undefined) return used ?? direct
  const gainUs = direct.costUs - used.costUs
  const isWorthIt = gainUs > GAIN_OVER_DIRECT.us / 2 && gainUs > (direct.costUs * GAIN_OVER_DIRECT.share) / 2
  return isWorthIt ? used : direct
}

/** How much cheaper the best path is than the one in use, if that is clearly so. */
function gainOver(kept: Path, best: Path | undefined): number | undefined {
  const gainUs = kept.costUs - (best?.costUs ?? kept.costUs)
  const needed = kept.nodes.length === 2 ? GAIN_OVER_DIRECT : GAIN
  return gainUs > needed.us && gainUs > kept.costUs * needed.share ? gainUs : undefined
}

function stayOn(
  topology: Topology,
  kept: Path,
  best: readonly Path[],
  source: number,
  target: number,
): readonly Path[] {
  const around = disjointFrom(topology, [kept], source, target)
  // A path that leaves no way around it is not worth staying on.
  return around.length < Math.min(2, best.length) ? best : around
}

/** The same path at today's cost; `undefined` when it is no path any more. */
function recost(topology: Topology, source: number, hops: Hops): Path | undefined {
  const nodes = [source]
  let costUs = 0
  for (const peer of hops) {
    const node = topology.numberOf.get(peer)
    const last = nodes.at(-1)
    if (node === undefined || last === undefined) return undefined
    if (last !== source && topology.transit[last] !== 1) return undefined
    costUs += costOf(topology, last, node)
    nodes.push(node)
  }
  return Number.isFinite(costUs) ? { nodes, costUs } : undefined
}

const costed = (topology: Topology, { nodes, costUs }: Path): CostedPath => ({
  hops: nodes.slice(1).flatMap((node) => topology.peers[node] ?? []),
  costUs,
})
