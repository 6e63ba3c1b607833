import { CLUSTER_ABOVE, clusterGraph, groupsOf } from '../map/cluster.ts'
import { createMapController } from '../map/controller.ts'
import type { MapEdge, MapGraph } from '../map/graph.ts'
import '../ui/tokens.css'

/*
 * What `npm run bench:topology` opens: the map of the console with as many machines as asked for, moved all the time.
 * It measures the time from frame to frame, in which the drawing has to fit.
 */

const LINKS_EACH = 3
/** The map is settling during the first frames, as it does before a person. */
const PAN_PX = 3

/** A ring with chords: every machine has a few links, and a way to all others. */
function meshOf(count: number): MapGraph {
  const nodes = Array.from({ length: count }, (_, index) => ({
    ...{ id: `node-${index}`, label: `node-${index}`, self: index === 0, count: 1 },
    tone: index % 97 === 0 ? ('bad' as const) : index % 41 === 0 ? ('attention' as const) : ('good' as const),
  }))
  const edges = nodes.flatMap((_node, index) =>
    Array.from({ length: LINKS_EACH }, (_, step): MapEdge => {
      const to = (index + 1 + step * step * 7 + ((index * 31) % 13) * step) % count
      return { from: index, to, tone: 'good', label: '1 ms', suite: 'aesgcm', kind: 'direct' }
    }),
  )
  return { nodes, edges }
}

/** Mean time from frame to frame in ms, over so many frames; and what drawing alone took of it. */
async function measure(count: number, clustered: boolean, frames: number) {
  const canvas = document.querySelector('canvas')
  if (canvas === null) throw new Error('the page has no canvas')
  const draws: number[] = []
  const map = createMapController(canvas, (drawMs) => draws.push(drawMs))
  const mesh = meshOf(count)
  const graph =
    clustered && count > CLUSTER_ABOVE ? clusterGraph(mesh, groupsOf(mesh), new Set(), String).graph : mesh
  map.resize()
  map.show(graph)
  const gaps: number[] = []
  let before = await nextFrame()
  for (let frame = 0; frame < frames; frame++) {
    map.pan(frame % 2 === 0 ? PAN_PX : -PAN_PX, 0)
    const now = await nextFrame()
    gaps.push(now - before)
    before = now
  }
  map.stop()
  return { gaps, draws, drawn: graph.nodes.length }
}

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve))

Object.assign(window, { measure })
