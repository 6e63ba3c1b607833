import { z } from 'zod'
import { LINK_STATES } from '../domain/link.ts'
import { documentOf, nodeNameSchema, peerIdSchema } from './schemas.ts'

/*
 * What the command line and the process that owns a practice lab say to each other: one JSON document in a line each
 * way, over the lab's control socket. A lab is no node, and nothing of it is in the node's contract.
 */

const MAX_MS = 60_000
const milliseconds = z.number().min(0).max(MAX_MS)
const turnMs = z.number().min(1).max(3_600_000)

/** What can be wrong with a link. All of them act on bytes in order: nothing in a stream is discarded or repeated. */
export const impairmentSchema = z.discriminatedUnion('kind', [
  /** Connections are reset, new ones refused. */
  z.strictObject({ kind: z.literal('cut') }),
  /** Bytes are held in both directions, and nobody is told. */
  z.strictObject({ kind: z.literal('blackhole') }),
  /** Bytes from the first node to the second are held, those back are not. */
  z.strictObject({ kind: z.literal('oneway') }),
  /** Cut and healed by turns. */
  z.strictObject({ kind: z.literal('flap'), downMs: turnMs, upMs: turnMs }),
  /** Added to each direction. */
  z.strictObject({ kind: z.literal('delay'), ms: milliseconds, jitterMs: milliseconds }),
  /** Loss of segments, seen as what TCP makes of it: stalls until the retransmission. */
  z.strictObject({ kind: z.literal('loss'), rate: z.number().min(0).max(0.95) }),
  z.strictObject({ kind: z.literal('throttle'), bytesPerSecond: z.number().min(100).max(1e12) }),
])
export type Impairment = z.infer<typeof impairmentSchema>

export const NODE_ACTIONS = ['kill', 'stop', 'cont', 'restart'] as const
export type NodeAction = (typeof NODE_ACTIONS)[number]

export const labRequestSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('status') }),
  z.strictObject({
    ...{ op: z.literal('impair'), a: nodeNameSchema, b: nodeNameSchema, impairment: impairmentSchema },
    /** Delay, loss and throttle: from `a` to `b` alone. */
    oneWay: z.boolean(),
  }),
  /** Without ends, the whole lab. */
  z.strictObject({ op: z.literal('heal'), a: nodeNameSchema.optional(), b: nodeNameSchema.optional() }),
  z.strictObject({ op: z.literal('node'), node: nodeNameSchema, action: z.enum(NODE_ACTIONS) }),
  z.strictObject({ op: z.literal('down') }),
])
export type LabRequest = z.infer<typeof labRequestSchema>

/** An impairment in force: between which ends, and whether it is in both directions. */
export const appliedSchema = z.object({
  impairment: impairmentSchema,
  from: nodeNameSchema,
  to: nodeNameSchema,
  bothWays: z.boolean(),
})
export type Applied = z.infer<typeof appliedSchema>

export const labNodeSchema = z.object({
  name: nodeNameSchema,
  peer: peerIdSchema.nullable(),
  home: z.string(),
  pid: z.number().int().positive().nullable(),
  /** Of the process. `stopped` is alive and silent, as SIGSTOP leaves it. */
  state: z.enum(['up', 'starting', 'stopped', 'dead']),
  /** What the node says of itself; null when it says nothing. */
  ready: z.boolean().nullable(),
  verdict: z.string(),
})

export const labLinkSchema = z.object({
  a: nodeNameSchema,
  b: nodeNameSchema,
  impairments: z.array(appliedSchema),
  /** The link as each end sees it; null when that end does not answer. */
  seenByA: z.enum(LINK_STATES).nullable(),
  seenByB: z.enum(LINK_STATES).nullable(),
})

export const labStatusSchema = documentOf({
  lab: z.object({
    /** Of the directory that holds the homes. */
    dir: z.string(),
    topology: z.string(),
    seed: z.number().int(),
    /** Of the process that owns the lab. */
    pid: z.number().int().positive(),
    startedAt: z.number().int().nonnegative(),
  }),
  nodes: z.array(labNodeSchema),
  links: z.array(labLinkSchema),
  /**
   * What must hold whatever is impaired: no loop, nothing lost, repeated or out of order, every link with a member and
   * to a neighbour, and all that is whole works again in time.
   */
  invariants: z
    .object({
      checks: z.number().int().nonnegative(),
      /** Requests between the two ends that are farthest apart, each answer compared byte by byte. */
      answered: z.number().int().nonnegative(),
      violations: z.array(z.string()),
    })
    .optional(),
})
export type LabStatus = z.infer<typeof labStatusSchema>
export type LabNodeStatus = z.infer<typeof labNodeSchema>
export type LabLinkStatus = z.infer<typeof labLinkSchema>

export const MAX_LAB_LINE_BYTES = 4 * 1024 * 1024

/** The links that a change was made to. */
export const labLinksSchema = documentOf({
  links: z.array(labLinkSchema.pick({ a: true, b: true, impairments: true })),
})
export const labNodeResultSchema = documentOf({
  node: labNodeSchema.pick({ name: true, pid: true, state: true }),
})
export const labDownSchema = documentOf({ pid: z.number().int().positive() })
