import { z } from 'zod'
import { AUDIT_ACTOR_KINDS, AUDIT_FINDING_KINDS, AUDIT_OUTCOMES } from '../domain/audit.ts'
import { documentOf, meshIdSchema, nodeNameSchema, peerIdSchema } from './schemas.ts'

const moment = z.number().int().nonnegative()
export const auditSeqSchema = z.number().int().min(1)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** One change, by whomever, as it was entered. */
export const auditEntrySchema = z.object({
  seq: auditSeqSchema,
  at: moment,
  actor: z.object({
    kind: z.enum(AUDIT_ACTOR_KINDS),
    /** Of a node or of a user of this machine, or the id of a browser's session. */
    name: z.string(),
    /** `local-socket`, `web`, `mesh`, `loop`, `policy`, `itself`. */
    via: z.string(),
    peer: z.string().nullable(),
  }),
  /** With which it was allowed. */
  role: z.string(),
  operation: z.string(),
  /** Runs through all that belongs together: an incident's id, or `cor-...`. */
  correlation: z.string(),
  /** What was asked for, without secrets; and what was there before and after. Null where there is nothing to say. */
  input: z.unknown(),
  before: z.unknown(),
  after: z.unknown(),
  outcome: z.enum(AUDIT_OUTCOMES),
  /** The code of the fault, or what the action said it did. */
  detail: z.string().nullable(),
  hash,
  prev: hash,
  chain: z.string(),
})
export type AuditEntryView = z.infer<typeof auditEntrySchema>

/** Null where it does not matter; `operation` and `actor` match as a beginning (`members.`, `member boris`). */
export const auditFilterSchema = z.strictObject({
  /** Older than this one: `next` of the page before. */
  before: auditSeqSchema.nullable(),
  limit: z.number().int().min(1).max(200),
  since: moment.nullable(),
  until: moment.nullable(),
  operation: z.string().max(64).nullable(),
  actor: z.string().max(128).nullable(),
  correlation: z.string().max(64).nullable(),
})

export const auditListSchema = documentOf({
  /** The newest first. */
  items: z.array(auditEntrySchema),
  next: auditSeqSchema.nullable(),
})

export const auditVerifySchema = documentOf({
  node: nodeNameSchema,
  peer: peerIdSchema,
  ok: z.boolean(),
  entries: z.number().int(),
  /** Numbers of the oldest and the newest entry; 0 for an empty log. */
  first: z.number().int(),
  last: z.number().int(),
  findings: z.array(
    z.object({
      kind: z.enum(AUDIT_FINDING_KINDS),
      from: z.number().int(),
      to: z.number().int(),
      text: z.string(),
    }),
  ),
  /** Who holds heads of this log, and how many. Without any, whoever has the node's key could have written it anew. */
  holders: z.array(z.object({ node: nodeNameSchema, peer: peerIdSchema, heads: z.number().int() })),
  /** Members that could not be asked. */
  silent: z.array(nodeNameSchema),
})
export type AuditVerification = z.infer<typeof auditVerifySchema>

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/)

/** The log as it was signed, in pages from the oldest on: enough to judge it anywhere. */
export const auditExportSchema = documentOf({
  meshId: meshIdSchema,
  node: nodeNameSchema,
  peer: peerIdSchema,
  /** Of the node: both signatures of a head have to verify. */
  publicKey: z.object({ ed25519: base64, mldsa: base64 }),
  items: z.array(z.object({ entry: auditEntrySchema, bytes: base64 })),
  /** Over the end of the log. */
  head: base64.nullable(),
  next: auditSeqSchema.nullable(),
})
