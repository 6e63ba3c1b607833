import type { MapGraph } from './graph.ts'
import { type LayoutRequest, placedMessage } from './layout-messages.ts'

export interface Layout {
  /** x and y of each node of the graph that was last placed. */
  readonly positions: Float32Array
  place(graph: MapGraph): void
  stop(): void
}

export const radiusOf = (count: number): number => (count === 1 ? 9 : 10 + Math.sqrt(count) * 1.8)

/** Places nodes in a worker. A node keeps its place from one graph to the next, so that nothing jumps. */
export function createLayout(worker: Worker, onMoved: (settled: boolean) => void): Layout {
  let graphs = 0
  let ids: readonly string[] = []
  let positions = new Float32Array(0)
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    const placed = placedMessage(data)
    if (placed === undefined || placed.graph !== graphs) return
    positions = placed.positions
    onMoved(placed.settled)
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
        next[index * 2] = positions[before * 2] ?? Number.NaN
        next[index * 2 + 1] = positions[before * 2 + 1] ?? Number.NaN
      }
      graphs += 1
      ids = graph.nodes.map(({ id }) => id)
      positions = next
      const direct = graph.edges.filter(({ kind }) => kind === 'direct')
      const request: LayoutRequest = {
        graph: graphs,
        ends: Uint32Array.from(direct.flatMap(({ from, to }) => [from, to])),
        positions: next,
        radii: Float32Array.from(graph.nodes, ({ count }) => radiusOf(count)),
      }
      worker.postMessage(request)
    },
    stop() {
      worker.terminate()
    },
  }
}
