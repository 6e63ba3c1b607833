import { z } from 'zod'
import { documentOf, linkSchema, nodeNameSchema, peerIdSchema } from './schemas.ts'

const durationMs = z.number().nonnegative()

/** One link of the mesh, once, whoever sees it. */
const meshLinkSchema = z.object({
  a: peerIdSchema,
  b: peerIdSchema,
  /** Both ends advertise it, so paths may lead over it. */
  bothEnds: z.boolean(),
  /** Known of the links of this node; of others only that they are advertised. */
  state: linkSchema.shape.state.nullable(),
  /** The larger of what its ends say. */
  rttMs: durationMs.nullable(),
  lossEstimate: z.number().min(0).max(1).nullable(),
  suite: z.string().nullable(),
  costMs: durationMs.nullable(),
  /** `measured` by this node, or `advertised` by an end. */
  source: z.enum(['measured', 'advertised']),
})

const meshNodeSchema = z.object({
  peer: peerIdSchema,
  name: nodeNameSchema,
  /** Whether it carries the traffic of others, as far as its word, its certificate and the policy allow. */
  transit: z.boolean(),
  /** It signed two adverts under one number: no path leads over it for a while. */
  convicted: z.boolean(),
  /** How long ago its advert came; null when there is none. */
  advertMs: durationMs.nullable(),
})

/** The mesh as this node knows it. */
export const topologySchema = documentOf({
  self: peerIdSchema,
  nodes: z.array(meshNodeSchema),
  links: z.array(meshLinkSchema),
})

export type TopologyView = z.infer<typeof topologySchema>
