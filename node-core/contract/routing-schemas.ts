import { z } from 'zod'
import { documentOf, linkSchema, memberSchema, nodeNameSchema, peerIdSchema } from './schemas.ts'

const durationMs = z.number().nonnegative()

const pathSchema = z.object({
  /** Links from this node to the other. */
  hops: z.number().int().positive(),
  /** The nodes between, in order; empty for a direct link. */
  via: z.array(peerIdSchema),
  /** Their names in the same order. */
  viaNames: z.array(nodeNameSchema),
  /** Sum of the advertised costs; null for a direct link that has not been advertised at both ends yet. */
  costMs: durationMs.nullable(),
})

/** The ways to one member. */
export const routeSchema = z.object({
  peer: peerIdSchema,
  name: nodeNameSchema,
  /** Cheapest first, disjoint; the first one is in use. Empty when no way is known. */
  paths: z.array(pathSchema),
  /** Whether it carries the traffic of others, as far as its word, its certificate and the policy allow. */
  transit: z.boolean(),
  /** Links that it advertises. */
  links: z.number().int().nonnegative(),
  /** How long ago its advert came; null when there is none. */
  advertMs: durationMs.nullable(),
  /** It signed two adverts under one number: no path leads over it for a while. */
  convicted: z.boolean(),
})

/** One link of a path, as the node at its near end sees it. */
export const hopSchema = z.object({
  from: nodeNameSchema,
  to: nodeNameSchema,
  toPeer: peerIdSchema,
  rttMs: durationMs.nullable(),
  /** Estimated from late arrival, 0 to 1. */
  lossEstimate: z.number().min(0).max(1).nullable(),
  suite: z.string().nullable(),
  costMs: durationMs.nullable(),
  /** `measured` by this node, or `advertised` by the node at the near end. */
  source: z.enum(['measured', 'advertised']),
  /** How old an advertised figure is. */
  ageMs: durationMs.nullable(),
})

export const traceResultSchema = documentOf({
  peer: peerIdSchema,
  name: nodeNameSchema,
  reached: z.boolean(),
  /** The way there, link by link. */
  forward: z.array(hopSchema),
  /** The way back that the other node would choose by the same adverts. */
  back: z.array(hopSchema),
})

export const netcheckResultSchema = documentOf({
  ok: z.boolean(),
  /** One sentence. */
  verdict: z.string(),
  /** What to do, the most urgent first; empty when ok. */
  todo: z.array(z.string()),
  listen: z.object({ addresses: z.array(z.string()), announced: z.array(z.string()) }),
  reach: z.object({
    /** Null when nobody could be asked. */
    reachable: z.boolean().nullable(),
    /** The neighbour that tried to connect back. */
    askedNode: nodeNameSchema.nullable(),
    results: z.array(z.object({ address: z.string(), answered: z.boolean() })),
    detail: z.string().nullable(),
  }),
  members: z.array(
    memberSchema.omit({ role: true, seenMs: true }).extend({
      rttMs: linkSchema.shape.rttMs,
      /** Of every link on the way, in order. */
      suites: z.array(z.string()),
    }),
  ),
  clock: z.object({
    /** Median of how far the clocks of the neighbours are ahead of this one; null without neighbours. */
    offsetMs: z.number().nullable(),
    neighbours: z.number().int().nonnegative(),
  }),
})

export type Route = z.infer<typeof routeSchema>
export type Hop = z.infer<typeof hopSchema>
export type TraceResult = z.infer<typeof traceResultSchema>
export type NetcheckResult = z.infer<typeof netcheckResultSchema>
