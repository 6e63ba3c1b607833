import { z } from 'zod'
import { LINK_STATES } from '../domain/link.ts'
import { RESOLUTIONS } from '../domain/series.ts'
import { NODE_PARTS } from '../domain/subject.ts'
import { FIGURE_KINDS } from '../domain/symptom.ts'
import { documentOf, nodeNameSchema, peerIdSchema, serviceNameSchema } from './schemas.ts'

const moment = z.number().int().nonnegative()
const MAX_POINTS = 5_000
const MAX_CHANGES = 1_000
const MAX_WINDOW_MS = 366 * 86_400_000

const endsSchema = z.tuple([peerIdSchema, peerIdSchema]).readonly()

const subjectSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('node'), peer: peerIdSchema }),
  z.object({ kind: z.literal('link'), ends: endsSchema }),
  z.object({ kind: z.literal('service'), name: serviceNameSchema, provider: peerIdSchema }),
  z.object({ kind: z.literal('mesh') }),
  z.object({ kind: z.literal('part'), peer: peerIdSchema, part: z.enum(NODE_PARTS) }),
])

const seriesInfoSchema = z.object({
  metric: z.string(),
  subject: subjectSchema,
  unit: z.string(),
  /** Measured, estimated or simulated: whoever shows a figure says so. */
  kind: z.enum(FIGURE_KINDS),
})

export const seriesSchema = seriesInfoSchema.extend({
  /** Names it in `series.query`. */
  key: z.string(),
  lastAt: moment.nullable(),
})

const range = { from: moment, until: moment }
const inOrder = ({ from, until }: { from: number; until: number }): boolean => from < until

export const seriesQuerySchema = z
  .strictObject({
    key: z.string().min(1).max(300),
    ...range,
    maxPoints: z.number().int().min(1).max(MAX_POINTS),
    /** Null: the one that fits the number of points. */
    resolution: z.enum(RESOLUTIONS).nullable(),
  })
  .refine(inOrder, { error: 'from has to be before until' })

export const seriesResultSchema = documentOf({
  series: seriesInfoSchema,
  resolution: z.enum(RESOLUTIONS),
  /** In order of time. A span without a sample has no point. */
  points: z.array(
    z.object({
      at: moment,
      min: z.number(),
      max: z.number(),
      mean: z.number(),
      count: z.number().int().positive(),
    }),
  ),
})

const meshNodeSchema = z.object({ peer: peerIdSchema, name: nodeNameSchema, reachable: z.boolean() })
const meshLinkSchema = z.object({
  ends: endsSchema,
  state: z.enum(LINK_STATES),
  costMs: z.number().nonnegative().nullable(),
})

export const topologyAtSchema = z.strictObject({ at: moment })
export const topologyStateSchema = documentOf({
  at: moment,
  /** Null when nothing is kept from that moment. */
  state: z.object({ nodes: z.array(meshNodeSchema), links: z.array(meshLinkSchema) }).nullable(),
})

export const topologyRangeSchema = z
  .strictObject({ ...range, limit: z.number().int().min(1).max(MAX_CHANGES) })
  .refine(inOrder, { error: 'from has to be before until' })
export const topologyChangeSchema = z.discriminatedUnion('kind', [
  z.object({ at: moment, kind: z.literal('node'), node: meshNodeSchema }),
  z.object({ at: moment, kind: z.literal('node-gone'), peer: peerIdSchema }),
  z.object({ at: moment, kind: z.literal('link'), link: meshLinkSchema }),
  z.object({ at: moment, kind: z.literal('link-gone'), ends: endsSchema }),
])

const verdictSchema = z.enum(['met', 'missed', 'unknown'])
const share = z.number().min(0).max(1)
const durationMs = z.number().nonnegative()

/** Null: the window of the settings. */
export const sloInputSchema = z.strictObject({
  windowMs: z.number().int().min(60_000).max(MAX_WINDOW_MS).nullable(),
})
export const sloSchema = documentOf({
  ...range,
  availability: z.object({
    target: share,
    /** Share of the other members that this node could reach, measured; null without a sample. */
    value: share.nullable(),
    samples: z.number().int().nonnegative(),
    coveredMs: durationMs,
    worst: z.array(z.object({ at: moment, value: share })),
    verdict: verdictSchema,
  }),
  mttr: z.object({
    targetMs: durationMs,
    medianMs: durationMs.nullable(),
    /** Null for fewer than 30 repairs. */
    p95Ms: durationMs.nullable(),
    repaired: z.number().int().nonnegative(),
    unresolved: z.number().int().nonnegative(),
    slowest: z.array(z.object({ id: z.string(), title: z.string(), durationMs })),
    verdict: verdictSchema,
  }),
  impaired: z.object({ ms: durationMs, incidents: z.number().int().nonnegative() }),
})

export type SeriesItem = z.infer<typeof seriesSchema>
export type SeriesResult = z.infer<typeof seriesResultSchema>
export type SloResult = z.infer<typeof sloSchema>
