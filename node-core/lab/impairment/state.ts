import { z } from 'zod'

/** How long a lost segment stalls what is behind it, and how often. */
const lossSchema = z.strictObject({
  /** Of a segment, 0 to 1. */
  rate: z.number().min(0).max(0.95),
  /** RFC 6298 allows 1 s at least; Linux takes 200 ms. */
  rtoMs: z.number().min(1).max(60_000),
})

const directionSchema = z.strictObject({
  /** Nothing gets through; nothing is discarded either. */
  held: z.boolean(),
  delay: z
    .strictObject({ ms: z.number().min(0).max(60_000), jitterMs: z.number().min(0).max(60_000) })
    .nullable(),
  loss: lossSchema.nullable(),
  throttle: z.strictObject({ bytesPerSecond: z.number().min(1).max(1e12) }).nullable(),
})

/** What one link does to the bytes on it. `forth` is from the end that dials. */
export const linkStateSchema = z.strictObject({
  /** Connections are reset and new ones refused. */
  cut: z.boolean(),
  /** Cut and healed by turns, beginning with a cut. */
  flap: z
    .strictObject({
      downMs: z.number().min(1).max(3_600_000),
      upMs: z.number().min(1).max(3_600_000),
    })
    .nullable(),
  forth: directionSchema,
  back: directionSchema,
})

export type DirectionState = z.infer<typeof directionSchema>
export type LinkState = z.infer<typeof linkStateSchema>

export const OPEN_DIRECTION: DirectionState = { held: false, delay: null, loss: null, throttle: null }
export const OPEN_LINK: LinkState = { cut: false, flap: null, forth: OPEN_DIRECTION, back: OPEN_DIRECTION }
