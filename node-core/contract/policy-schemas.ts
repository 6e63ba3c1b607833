import { z } from 'zod'
import { documentOf, nodeNameSchema, nodeRefSchema, serviceNameSchema } from './schemas.ts'

/** In UTF-8; a larger document is refused by the node that signs it. */
export const MAX_POLICY_TEXT = 32 * 1024

export const POLICY_ACTION_NAMES = ['use', 'provide', 'transit', 'administer', 'heal'] as const
export const policyActionSchema = z.enum(POLICY_ACTION_NAMES)

export const policyTextSchema = z.string().min(1).max(MAX_POLICY_TEXT)
export const policyNumberSchema = z.number().int().min(1).max(0xffff_ffff)

export const policyVersionSchema = z.object({
  number: policyNumberSchema,
  /** When the authority signed it, and when it came to this node. */
  signedAt: z.number().int().nonnegative(),
  acceptedAt: z.number().int().nonnegative(),
  rules: z.number().int().nonnegative(),
  tests: z.number().int().nonnegative(),
  hash: z.string(),
})
export type PolicyVersionView = z.infer<typeof policyVersionSchema>

export const policyShowResultSchema = documentOf({
  policy: policyVersionSchema.extend({ document: z.string() }).nullable(),
  /** This node holds the key that signs the next version. */
  writable: z.boolean(),
})

const policyProblemSchema = z.object({ line: z.number().int().nonnegative(), message: z.string() })
const policyTestResultSchema = z.object({ text: z.string(), passed: z.boolean(), reason: z.string() })
export const accessChangeSchema = z.object({
  change: z.enum(['gains', 'loses']),
  action: policyActionSchema,
  who: z.array(nodeNameSchema),
  at: z.array(nodeNameSchema),
  /** `null` where it is about no service, `*` for every service that nothing names. */
  service: z.string().nullable(),
  rule: z.string().nullable(),
})
export type AccessChangeView = z.infer<typeof accessChangeSchema>

export const policyReviewSchema = documentOf({
  /** The version that it was compared with. */
  current: policyNumberSchema.nullable(),
  ok: z.boolean(),
  problems: z.array(policyProblemSchema),
  tests: z.array(policyTestResultSchema),
  changes: z.array(accessChangeSchema),
})
export type PolicyReview = z.infer<typeof policyReviewSchema>

/** A service is needed for use and provide, and a place for all but provide. */
export const canInputSchema = z.strictObject({
  who: nodeRefSchema,
  action: policyActionSchema,
  service: serviceNameSchema.nullable(),
  at: nodeRefSchema.nullable(),
})

const verdictSchema = z.object({
  allow: z.boolean(),
  rule: z.string().nullable(),
  /** Where the rule begins in the document. */
  line: z.number().int().nonnegative().nullable(),
  reason: z.string(),
})

export const canResultSchema = documentOf({
  question: z.string(),
  allow: z.boolean(),
  /** One verdict for each thing that has to be allowed: to use a service somebody has to be allowed to provide it. */
  verdicts: z.array(verdictSchema.extend({ question: z.string() })),
  policy: policyNumberSchema.nullable(),
})
export type CanResult = z.infer<typeof canResultSchema>

export const flagSchema = z.object({
  name: z.string(),
  help: z.string(),
  /** At this node. */
  value: z.boolean(),
  because: z.string(),
  default: z.boolean(),
  everywhere: z.boolean().nullable(),
  labels: z.record(z.string(), z.boolean()),
})
