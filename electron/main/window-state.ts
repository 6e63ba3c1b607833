import { z } from 'zod'

const edge = z.number().int().min(-100_000).max(100_000)
const size = z.number().int().min(1).max(100_000)

export const windowStateSchema = z.object({
  x: edge,
  y: edge,
  width: size,
  height: size,
  maximized: z.boolean(),
})
export type WindowState = z.infer<typeof windowStateSchema>

export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const LEAST = { width: 360, height: 400 }
const USUAL = { width: 1_100, height: 760 }
/** So much of the window has to be on a screen: else nobody can reach it after a screen was taken away. */
const REACHABLE = 80

/** Where the window opens. Without a place, the system chooses one. */
export function placeOf(
  kept: WindowState | undefined,
  screens: readonly Area[],
): { width: number; height: number; x?: number; y?: number } {
  if (kept === undefined) return USUAL
  const width = Math.max(LEAST.width, kept.width)
  const height = Math.max(LEAST.height, kept.height)
  const reachable = screens.some(
    (screen) =>
      kept.x + width >= screen.x + REACHABLE &&
      kept.x <= screen.x + screen.width - REACHABLE &&
      kept.y >= screen.y &&
      kept.y <= screen.y + screen.height - REACHABLE,
  )
  return reachable ? { x: kept.x, y: kept.y, width, height } : { width, height }
}
