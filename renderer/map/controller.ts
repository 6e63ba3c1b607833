import { type MapGraph, type MapPaths, NO_PATHS } from './graph.ts'
import { createLayout, type Layout } from './layout.ts'
import LayoutWorker from './layout.worker.ts?worker'
import { type Palette, readPalette, type Viewport } from './paint.ts'
import { createPicture } from './picture.ts'
import { fitView, nodeAt, zoomAt } from './viewport.ts'

export interface MapController {
  readonly positions: Float32Array
  show(graph: MapGraph): void
  mark(selected: number | undefined, paths: MapPaths): void
  hover(x: number, y: number): number | undefined
  hit(x: number, y: number): number | undefined
  pan(dx: number, dy: number): void
  /** Around the middle where no place is given. */
  zoom(factor: number, x?: number, y?: number): void
  fit(): void
  /** Brings a node into sight. */
  reveal(index: number): void
  resize(): void
  repaint(): void
  stop(): void
}

interface MapState {
  graph: MapGraph
  view: Viewport
  /** Until somebody moves the map, it keeps everything in sight. */
  follows: boolean
  selected: number | undefined
  hovered: number | undefined
  paths: MapPaths
  palette: Palette
}

const REVEAL_MARGIN = 60

/** Owns one canvas: what is on it, where it is looked at, and when it has to be drawn again. It draws only then. */
export function createMapController(
  canvas: HTMLCanvasElement,
  onFrame?: (drawMs: number) => void,
): MapController {
  const context = canvas.getContext('2d')
  const state: MapState = {
    graph: { nodes: [], edges: [] },
    view: { x: 0, y: 0, scale: 1 },
    follows: true,
    selected: undefined,
    hovered: undefined,
    paths: NO_PATHS,
    palette: readPalette(canvas),
  }
  let frame: number | undefined
  const picture = createPicture(canvas.ownerDocument.createElement('canvas'))
  const size = (): { width: number; height: number } => ({
    width: canvas.clientWidth,
    height: canvas.clientHeight,
  })
  const layout: Layout = createLayout(new LayoutWorker(), () => {
    if (state.follows) fitNow()
    redraw()
  })

  /** Something is other than it was, or only where it is looked at. */
  function redraw(onlyMoved = false): void {
    if (!onlyMoved) picture.forget()
    frame ??= requestAnimationFrame(draw)
  }

  function draw(): void {
    frame = undefined
    if (context === null) return
    const began = performance.now()
    picture.show(context, { ...state, ...size(), positions: layout.positions }, devicePixelRatio)
    onFrame?.(performance.now() - began)
  }

  function fitNow(): void {
    const { width, height } = size()
    state.view = fitView(layout.positions, width, height)
  }

  const hit = (x: number, y: number): number | undefined =>
    nodeAt(state.graph, layout.positions, state.view, x, y)

  return {
    get positions() {
      return layout.positions
    },
    show(graph) {
      const shapeOf = ({ nodes, edges }: MapGraph): string =>
        `${nodes.map(({ id }) => id).join()}/${edges.map(({ from, to, kind }) => `${from}-${to}-${kind}`).join()}`
      const moved = shapeOf(graph) !== shapeOf(state.graph)
      state.graph = graph
      // A change of health alone moves nothing.
      if (moved) layout.place(graph)
      redraw()
    },
    mark(selected, paths) {
      state.selected = selected
      state.paths = paths
      redraw()
    },
    hover(x, y) {
      const found = hit(x, y)
      if (found !== state.hovered) {
        state.hovered = found
        redraw()
      }
      return found
    },
    hit,
    pan(dx, dy) {
      state.follows = false
      state.view = { ...state.view, x: state.view.x + dx, y: state.view.y + dy }
      redraw(true)
    },
    zoom(factor, x, y) {
      state.follows = false
      const { width, height } = size()
      state.view = zoomAt(state.view, factor, x ?? width / 2, y ?? height / 2)
      redraw()
    },
    fit() {
      state.follows = true
      fitNow()
      redraw()
    },
    reveal(index) {
      const { width, height } = size()
      const x = (layout.positions[index * 2] ?? 0) * state.view.scale + state.view.x
      const y = (layout.positions[index * 2 + 1] ?? 0) * state.view.scale + state.view.y
      const inside =
        x > REVEAL_MARGIN && y > REVEAL_MARGIN && x < width - REVEAL_MARGIN && y < height - REVEAL_MARGIN
      if (inside || !Number.isFinite(x)) return
      state.follows = false
      state.view = { ...state.view, x: state.view.x + width / 2 - x, y: state.view.y + height / 2 - y }
      redraw()
    },
    resize() {
      const { width, height } = size()
      canvas.width = Math.round(width * devicePixelRatio)
      canvas.height = Math.round(height * devicePixelRatio)
      if (state.follows) fitNow()
      redraw()
    },
    repaint() {
      state.palette = readPalette(canvas)
      redraw()
    },
    stop() {
      if (frame !== undefined) cancelAnimationFrame(frame)
      layout.stop()
    },
  }
}
