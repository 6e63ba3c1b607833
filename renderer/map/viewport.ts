import type { MapGraph } from './graph.ts'
import { radiusOf } from './layout.ts'
import type { Viewport } from './paint.ts'

const MIN_SCALE = 0.05
const MAX_SCALE = 4
const MARGIN = 56
const MAX_FIT_SCALE = 1.15

/** Everything in sight. */
export function fitView(positions: Float32Array, width: number, height: number): Viewport {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (let index = 0; index < positions.length; index += 2) {
    const x = positions[index] ?? 0
    const y = positions[index + 1] ?? 0
    left = Math.min(left, x)
    right = Math.max(right, x)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y)
  }
  if (!Number.isFinite(left) || width === 0 || height === 0) return { x: width / 2, y: height / 2, scale: 1 }
  const scale = Math.min(
    MAX_FIT_SCALE,
    Math.max(
      MIN_SCALE,
      Math.min(
        (width - MARGIN * 2) / Math.max(1, right - left),
        (height - MARGIN * 2) / Math.max(1, bottom - top),
      ),
    ),
  )
  return {
    x: width / 2 - ((left + right) / 2) * scale,
    y: height / 2 - ((top + bottom) / 2) * scale,
    scale,
  }
}

/** Nearer or farther, with the point under the pointer staying where it is. */
export function zoomAt(view: Viewport, factor: number, x: number, y: number): Viewport {
  const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, view.scale * factor))
  const real = scale / view.scale
  return { scale, x: x - (x - view.x) * real, y: y - (y - view.y) * real }
}

const HIT_SLACK = 6

/** The number of the node at a place on the screen. */
export function nodeAt(
  graph: MapGraph,
  positions: Float32Array,
  view: Viewport,
  x: number,
  y: number,
): number | undefined {
  const zoom = Math.min(1.25, Math.max(0.35, view.scale))
  let found: number | undefined
  let nearest = Infinity
  for (const [index, { count }] of graph.nodes.entries()) {
    const dx = (positions[index * 2] ?? 0) * view.scale + view.x - x
    const dy = (positions[index * 2 + 1] ?? 0) * view.scale + view.y - y
    const distance = Math.hypot(dx, dy)
    if (distance < nearest && distance <= radiusOf(count) * zoom + HIT_SLACK) {
      nearest = distance
      found = index
    }
  }
  return found
}
