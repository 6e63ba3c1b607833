import type { Tone } from '../ui/tones.ts'

/** A machine, or a cluster of many, on the map. */
export interface MapNode {
  readonly id: string
  readonly label: string
  readonly tone: Tone
  readonly self: boolean
  /** How many machines stand behind it: 1, or more for a cluster. */
  readonly count: number
}

export interface MapEdge {
  /** Numbers of its ends in `nodes`. */
  readonly from: number
  readonly to: number
  readonly tone: Tone
  /** What stands at its middle where there is room. */
  readonly label: string
  readonly suite: string
  /** `routed`: no link but a way over several of them. */
  readonly kind: 'direct' | 'routed'
}

export interface MapGraph {
  readonly nodes: readonly MapNode[]
  readonly edges: readonly MapEdge[]
}

/** The way there and the way back, as numbers of nodes in order. */
export interface MapPaths {
  readonly forward: readonly number[]
  readonly back: readonly number[]
}

export const NO_PATHS: MapPaths = { forward: [], back: [] }

/** The numbers of the neighbours of each node, over direct links. */
export function neighboursOf(graph: MapGraph): readonly (readonly number[])[] {
  const found: number[][] = graph.nodes.map(() => [])
  for (const { from, to, kind } of graph.edges) {
    if (kind !== 'direct') continue
    found[from]?.push(to)
    found[to]?.push(from)
  }
  return found
}

export type Direction = 'up' | 'down' | 'left' | 'right'

const ANGLES: Readonly<Record<Direction, number>> = {
  right: 0,
  down: Math.PI / 2,
  left: Math.PI,
  up: -Math.PI / 2,
}
/** A neighbour this far off the arrow's direction is not in it. */
const MAX_OFF = (Math.PI * 5) / 12

/** The neighbour that lies most in the direction of an arrow key; undefined where none does. */
export function neighbourTowards(
  positions: Float32Array,
  from: number,
  neighbours: readonly number[],
  direction: Direction,
): number | undefined {
  const x = positions[from * 2] ?? 0
  const y = positions[from * 2 + 1] ?? 0
  let best: number | undefined
  let bestOff = MAX_OFF
  for (const neighbour of neighbours) {
    const dx = (positions[neighbour * 2] ?? 0) - x
    const dy = (positions[neighbour * 2 + 1] ?? 0) - y
    const turn = Math.abs(Math.atan2(dy, dx) - ANGLES[direction])
    const off = Math.min(turn, 2 * Math.PI - turn)
    if (off < bestOff) {
      best = neighbour
      bestOff = off
    }
  }
  return best
}
