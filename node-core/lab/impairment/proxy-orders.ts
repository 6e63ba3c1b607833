import { z } from 'zod'
import { linkStateSchema } from './state.ts'

const link = z.string().min(1).max(128)
const port = z.int().min(1).max(65_535)

/** What the proxy process is told, one JSON document in a line on its standard input. */
export const orderSchema = z.discriminatedUnion('op', [
  z.strictObject({
    ...{ op: z.literal('open'), id: z.int(), link, seed: z.int(), targetPort: port },
    port: port.optional(),
  }),
  z.strictObject({ op: z.literal('set'), id: z.int(), link, state: linkStateSchema }),
  z.strictObject({ op: z.literal('target'), id: z.int(), link, targetPort: port }),
  z.strictObject({ op: z.literal('close'), id: z.int(), link }),
  z.strictObject({ op: z.literal('stats'), id: z.int() }),
])
export type Order = z.infer<typeof orderSchema>

const statsSchema = z.record(
  z.string(),
  z.object({
    connections: z.number(),
    accepted: z.number(),
    forthBytes: z.number(),
    backBytes: z.number(),
    isCut: z.boolean(),
  }),
)

/** What it answers on its standard output once an order is carried out. */
export const answerSchema = z.union([
  z.object({ id: z.int(), ok: z.literal(true), port: port.optional(), stats: statsSchema.optional() }),
  z.object({ id: z.int(), ok: z.literal(false), error: z.string() }),
])
export type Answer = z.infer<typeof answerSchema>
