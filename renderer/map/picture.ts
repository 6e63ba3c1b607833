import { paint, type Scene, type Viewport } from './paint.ts'

/** How far the map is painted beyond what is seen of it, in pixels of the page. */
const MARGIN = 160

/** A painted map that is kept: moving it copies pixels, which is much less work than a thousand lines. */
export interface Picture {
  /** What it shows is not so any more. */
  forget(): void
  show(target: CanvasRenderingContext2D, scene: Scene, ratio: number): void
}

export function createPicture(canvas: HTMLCanvasElement): Picture {
  const context = canvas.getContext('2d')
  let painted: Viewport | undefined

  function repaint(scene: Scene, ratio: number): void {
    if (context === null) return
    const width = scene.width + MARGIN * 2
    const height = scene.height + MARGIN * 2
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)]
    // Setting a size takes new memory even where it is the same.
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns
      canvas.height = rows
    }
    const view = { ...scene.view, x: scene.view.x + MARGIN, y: scene.view.y + MARGIN }
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    paint(context, { ...scene, view, width, height })
    painted = scene.view
  }

  return {
    forget() {
      painted = undefined
    },
    show(target, scene, ratio) {
      if (painted === undefined || !isWithin(painted, scene.view)) repaint(scene, ratio)
      const { x = scene.view.x, y = scene.view.y } = painted ?? {}
      target.setTransform(1, 0, 0, 1, 0, 0)
      target.clearRect(0, 0, target.canvas.width, target.canvas.height)
      // On whole pixels, or the copy would be blurred.
      const left = Math.round((scene.view.x - x - MARGIN) * ratio)
      const top = Math.round((scene.view.y - y - MARGIN) * ratio)
      target.drawImage(canvas, left, top)
    },
  }
}

const isWithin = (painted: Viewport, view: Viewport): boolean =>
  painted.scale === view.scale &&
  Math.abs(painted.x - view.x) <= MARGIN &&
  Math.abs(painted.y - view.y) <= MARGIN
