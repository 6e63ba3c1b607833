import type { MapGraph } from './graph.ts'
import { type LayoutRequest, placedMessage } from './layout-messages.ts'

export interface Layout {
  /** x and y of each node of the graph that was last placed. */
  readonly positions: Float32Array
  place(graph: MapGraph): void
  stop(): void
}

export const radiusOf = (count: number): number => (count === 1 ? 9 : 10 + Math.sqrt(count) * 1.8)

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5))
const SEED_STEP = 46

/** A copy in which nobody is without a place. */
function withSeeds(positions: Float32Array): Float32Array<ArrayBuffer> {
  const seeded = new Float32Array(positions)
  for (let index = 0; index < seeded.length / 2; index += 1) {
    if (Number.isFinite(seeded[index * 2])) continue
    const radius = SEED_STEP * Math.sqrt(0.5 + index)
    seeded[index * 2] = radius * Math.cos(index * GOLDEN_ANGLE)
    seeded[index * 2 + 1] = radius * Math.sin(index * GOLDEN_ANGLE)
  }
  return seeded
}

/** Places nodes in a worker. A node keeps its place from one graph to the next, so that nothing jumps. */
export function createLayout(worker: Worker, onMoved: (settled: boolean) => void): Layout {
  let graphs = 0
  let ids: readonly string[] = []
  /** As the worker said; NaN for a node that it has not placed yet. */
  let placed = new Float32Array(0)
  let positions = placed
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const answer = placedMessage(data)
    if (answer === undefined || answer.graph !== graphs) return
    placed = answer.positions
    positions = placed
    onMoved(answer.settled)
  })
  return {
    get positions() {
      return positions
    },
    place(graph) {
      const placeOf = new Map(ids.map((id, index) => [id, index]))
      const next = new Float32Array(graph.nodes.length * 2).fill(Number.NaN)
      for (const [index, { id }] of graph.nodes.entries()) {
        const before = placeOf.get(id)
        if (before === undefined) continue
        next[index * 2] = placed[before * 2] ?? Number.NaN
        next[index * 2 + 1] = placed[before * 2 + 1] ?? Number.NaN
      }
      // The worker gives a place to what has none. Until it answers, which takes a while when a page is new, nodes stand
      // on a spiral: a map that is empty would say that there is no mesh.
      graphs += 1
      ids = graph.nodes.map(({ id }) => id)
      placed = next
      positions = withSeeds(next)
      const direct = graph.edges.filter(({ kind }) => kind === 'direct')
      const request: LayoutRequest = {
        graph: graphs,
        ends: Uint32Array.from(direct.flatMap(({ from, to }) => [from, to])),
        positions: next,
        radii: Float32Array.from(graph.nodes, ({ count }) => radiusOf(count)),
      }
      worker.postMessage(request)
      onMoved(false)
    },
    stop() {
      worker.terminate()
    },
  }
}
