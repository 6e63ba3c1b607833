import { TONES, type Tone } from '../ui/tones.ts'
import type { MapGraph, MapPaths } from './graph.ts'
import { radiusOf } from './layout.ts'

/** Where the map is looked at: world x and y times `scale`, moved by `x` and `y`, are pixels. */
export interface Viewport {
  readonly x: number
  readonly y: number
  readonly scale: number
}

export interface Palette {
  readonly tones: Readonly<Record<Tone, string>>
  readonly text: string
  readonly quiet: string
  readonly panel: string
  readonly line: string
  readonly accent: string
}

export interface Scene {
  readonly graph: MapGraph
  readonly positions: Float32Array
  readonly view: Viewport
  readonly width: number
  readonly height: number
  readonly selected: number | undefined
  readonly hovered: number | undefined
  readonly paths: MapPaths
  readonly palette: Palette
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const read = (name: string): string => style.getPropertyValue(name).trim()
  return {
    tones: {
      good: read('--good'),
      attention: read('--attention'),
      bad: read('--bad'),
      unknown: read('--unknown'),
      info: read('--info'),
    },
    text: read('--text'),
    quiet: read('--quiet'),
    panel: read('--panel'),
    line: read('--line-strong'),
    accent: read('--accent'),
  }
}

const MAX_LABELLED = 160
const MAX_EDGE_LABELS = 70
const LABEL_FROM_SCALE = 0.75
const FONT = '540 12px Inter, system-ui, sans-serif'
const SMALL_FONT = '500 11px Inter, system-ui, sans-serif'

/** Dashes tell the states of links apart without colour. */
const DASHES: Readonly<Record<Tone, readonly number[]>> = {
  good: [],
  info: [],
  attention: [9, 5],
  bad: [3, 5],
  unknown: [1, 5],
}

/** Draws the map once. Everything of one look goes in one path: strokes and fills are what costs time. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height } = scene
  context.clearRect(0, 0, width, height)
  if (scene.positions.length === 0) return
  paintEdges(context, scene)
  paintPath(context, scene, scene.paths.back, 3, [7, 6], 5)
  paintPath(context, scene, scene.paths.forward, 4, [], -3)
  paintEdgeLabels(context, scene)
  paintNodes(context, scene)
  paintNodeLabels(context, scene)
}

function screenX({ positions, view }: Scene, index: number): number {
  return (positions[index * 2] ?? 0) * view.scale + view.x
}

function screenY({ positions, view }: Scene, index: number): number {
  return (positions[index * 2 + 1] ?? 0) * view.scale + view.y
}

/** Both ends on the same side of what is seen. */
const isBeside = (one: number, other: number, size: number): boolean =>
  (one < 0 && other < 0) || (one > size && other > size)

function paintEdges(context: CanvasRenderingContext2D, scene: Scene): void {
  const { edges, nodes } = scene.graph
  const dense = nodes.length > 400
  context.lineCap = 'butt'
  for (const tone of TONES) {
    for (const kind of ['direct', 'routed'] as const) {
      context.beginPath()
      let any = false
      for (const edge of edges) {
        if (edge.tone !== tone || edge.kind !== kind) continue
        const [x1, y1] = [screenX(scene, edge.from), screenY(scene, edge.from)]
        const [x2, y2] = [screenX(scene, edge.to), screenY(scene, edge.to)]
        if (isBeside(x1, x2, scene.width) || isBeside(y1, y2, scene.height)) continue
        any = true
        context.moveTo(x1, y1)
        context.lineTo(x2, y2)
      }
      if (!any) continue
      context.strokeStyle = kind === 'routed' ? scene.palette.accent : scene.palette.tones[tone]
      context.globalAlpha = kind === 'routed' ? 0.55 : dense ? 0.35 : 0.8
      context.lineWidth = kind === 'routed' ? 1 : dense ? 1 : 1.75
      context.setLineDash(kind === 'routed' ? [2, 4] : [...DASHES[tone]])
      context.stroke()
    }
  }
  context.setLineDash([])
  context.globalAlpha = 1
}

function paintPath(
  context: CanvasRenderingContext2D,
  scene: Scene,
  path: readonly number[],
  width: number,
  dash: number[],
  aside: number,
): void {
  if (path.length < 2) return
  context.beginPath()
  for (const [index, node] of path.entries()) {
    const next = path[index + 1]
    if (next === undefined) break
    const [x1, y1] = [screenX(scene, node), screenY(scene, node)]
    const [x2, y2] = [screenX(scene, next), screenY(scene, next)]
    const length = Math.hypot(x2 - x1, y2 - y1) || 1
    // Both directions of one link lie side by side; which side is right for both, because they run against each other.
    const dx = (-(y2 - y1) / length) * aside
    const dy = ((x2 - x1) / length) * aside
    context.moveTo(x1 + dx, y1 + dy)
    context.lineTo(x2 + dx, y2 + dy)
    arrowHead(context, x1 + dx, y1 + dy, x2 + dx, y2 + dy)
  }
  context.strokeStyle = scene.palette.accent
  context.lineWidth = width * 0.7
  context.setLineDash(dash)
  context.stroke()
  context.setLineDash([])
}

function arrowHead(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  const angle = Math.atan2(y2 - y1, x2 - x1)
  const [x, y] = [x1 + (x2 - x1) * 0.58, y1 + (y2 - y1) * 0.58]
  for (const turn of [0.42, -0.42]) {
    context.moveTo(x, y)
    context.lineTo(x - Math.cos(angle + turn) * 10, y - Math.sin(angle + turn) * 10)
  }
}

/** Middle of each link: its round trip and suite, and a sign where something is wrong with it. */
function paintEdgeLabels(context: CanvasRenderingContext2D, scene: Scene): void {
  const { graph, view, palette, selected } = scene
  const all = graph.edges.length <= MAX_EDGE_LABELS && view.scale >= LABEL_FROM_SCALE
  context.font = SMALL_FONT
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  for (const edge of graph.edges) {
    const near = edge.from === selected || edge.to === selected
    if (edge.kind === 'routed' || !(all || near)) continue
    const x = (screenX(scene, edge.from) + screenX(scene, edge.to)) / 2
    const y = (screenY(scene, edge.from) + screenY(scene, edge.to)) / 2
    if (x < -80 || y < -40 || x > scene.width + 80 || y > scene.height + 40) continue
    const sign = edge.tone === 'bad' ? '✕ ' : edge.tone === 'attention' ? '▲ ' : ''
    const text = `${sign}${edge.label}${near && edge.suite !== '' ? ` · ${edge.suite}` : ''}`
    if (text.trim() === '') continue
    plate(context, palette.panel, x, y, context.measureText(text).width)
    context.fillStyle = sign === '' ? palette.quiet : palette.tones[edge.tone]
    context.fillText(text, x, y + 0.5)
  }
}

function plate(context: CanvasRenderingContext2D, fill: string, x: number, y: number, width: number): void {
  context.fillStyle = fill
  context.globalAlpha = 0.9
  context.beginPath()
  context.roundRect(x - width / 2 - 4, y - 8, width + 8, 16, 4)
  context.fill()
  context.globalAlpha = 1
}

/** A circle is well, a triangle wants attention, a square is down, a ring is not known. */
function shape(context: CanvasRenderingContext2D, tone: Tone, x: number, y: number, radius: number): void {
  switch (tone) {
    case 'attention':
      context.moveTo(x, y - radius * 1.2)
      context.lineTo(x + radius * 1.15, y + radius * 0.85)
      context.lineTo(x - radius * 1.15, y + radius * 0.85)
      context.closePath()
      break
    case 'bad':
      context.rect(x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8)
      break
    default:
      context.moveTo(x + radius, y)
      context.arc(x, y, radius, 0, Math.PI * 2)
  }
}

function paintNodes(context: CanvasRenderingContext2D, scene: Scene): void {
  const { graph, palette, view, selected, hovered, width, height } = scene
  const zoom = Math.min(1.25, Math.max(0.35, view.scale))
  for (const tone of TONES) {
    context.beginPath()
    for (const [index, node] of graph.nodes.entries()) {
      if (node.tone !== tone) continue
      const [x, y] = [screenX(scene, index), screenY(scene, index)]
      if (x < -60 || y < -60 || x > width + 60 || y > height + 60) continue
      shape(context, tone, x, y, radiusOf(node.count) * zoom)
    }
    context.fillStyle = tone === 'unknown' ? palette.panel : palette.tones[tone]
    context.fill()
    context.lineWidth = 2
    context.strokeStyle = tone === 'unknown' ? palette.tones.unknown : palette.panel
    context.stroke()
  }
  for (const [index, node] of graph.nodes.entries()) {
    const marked = index === selected || index === hovered
    if (!marked && !node.self) continue
    context.beginPath()
    context.arc(screenX(scene, index), screenY(scene, index), radiusOf(node.count) * zoom + 6, 0, Math.PI * 2)
    context.strokeStyle = index === selected ? palette.accent : palette.quiet
    context.lineWidth = index === selected ? 3 : 1.5
    context.stroke()
  }
}

function paintNodeLabels(context: CanvasRenderingContext2D, scene: Scene): void {
  const { graph, view, palette, selected, hovered, width, height } = scene
  const zoom = Math.min(1.25, Math.max(0.35, view.scale))
  const all = graph.nodes.length <= MAX_LABELLED && view.scale >= 0.4
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  for (const [index, node] of graph.nodes.entries()) {
    const marked = index === selected || index === hovered || node.self
    if (!all && !marked && node.count === 1) continue
    const [x, y] = [screenX(scene, index), screenY(scene, index)]
    if (x < -80 || y < -40 || x > width + 80 || y > height + 40) continue
    context.font = marked ? FONT : SMALL_FONT
    const below = y + radiusOf(node.count) * zoom + 14
    plate(context, palette.panel, x, below, context.measureText(node.label).width)
    context.fillStyle = palette.text
    context.fillText(node.label, x, below + 0.5)
  }
}
