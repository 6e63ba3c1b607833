import { z } from 'zod'
import { type IncidentId, parseIncidentId } from '../domain/ids.ts'
import { INCIDENT_STATES, TIMELINE_KINDS } from '../domain/incident.ts'
import { FIGURE_KINDS, SEVERITIES } from '../domain/symptom.ts'
import { documentOf, idSchema, nodeNameSchema, peerIdSchema } from './schemas.ts'

const moment = z.number().int().nonnegative()
const planIdText = z.string().regex(/^plan-[0-9a-f]{16}$/)

export const incidentIdSchema: z.ZodType<IncidentId, string> = idSchema(
  parseIncidentId,
  'an incident id (inc-...)',
)

/** A node by its id and, where it is known, its name. */
const partySchema = z.object({ peer: peerIdSchema, name: nodeNameSchema.nullable() })

const subjectSchema = z.object({
  kind: z.enum(['node', 'link', 'service', 'mesh', 'part']),
  /** In words: `The link between ada and boris`. */
  text: z.string(),
  /** The nodes that it is about; empty for the mesh. */
  nodes: z.array(partySchema),
  /** The name of the service, or the part of the node. */
  detail: z.string().nullable(),
})

/** What lists show. */
export const incidentSchema = z.object({
  id: incidentIdSchema,
  /** Of the root: see docs/symptoms.md. */
  code: z.string(),
  subject: subjectSchema,
  severity: z.enum(SEVERITIES),
  /** 0 to 1. */
  confidence: z.number().min(0).max(1),
  impactsConnectivity: z.boolean(),
  state: z.enum(INCIDENT_STATES),
  title: z.string(),
  diagnosis: z.string().nullable(),
  firstEvidenceAt: moment,
  openedAt: moment,
  clearedAt: moment.nullable(),
  /** The first verified delivery; null also for one that was closed because another explains it. */
  resolvedAt: moment.nullable(),
  /** How many symptoms it explains that are no incidents of their own. */
  explains: z.number().int().nonnegative(),
  /** Alone acts on it. */
  coordinator: partySchema,
  acknowledgedBy: z.string().nullable(),
  owner: z.string().nullable(),
  silencedUntil: moment.nullable(),
})

const evidenceSchema = z.object({
  text: z.string(),
  at: moment,
  witness: partySchema,
  figure: z
    .object({ name: z.string(), value: z.number(), unit: z.string(), kind: z.enum(FIGURE_KINDS) })
    .nullable(),
})

export const incidentDetailSchema = incidentSchema.extend({
  evidence: z.array(evidenceSchema),
  consequences: z.array(z.object({ code: z.string(), subject: subjectSchema })),
  witnesses: z.array(partySchema),
  plans: z.array(planIdText),
  notes: z.array(z.object({ by: z.string(), at: moment, text: z.string() })),
  timeline: z.array(
    z.object({
      at: moment,
      kind: z.enum(TIMELINE_KINDS),
      text: z.string(),
      planId: planIdText.nullable(),
      actor: z.string().nullable(),
    }),
  ),
  /** What to do when the loop does not. */
  remedy: z.string().nullable(),
})

export const incidentDocumentSchema = documentOf({ incident: incidentDetailSchema })

/** A note, or why an incident is closed by hand. */
export const remarkSchema = z.string().trim().min(1).max(2_000)
export const MAX_SILENCE_MS = 7 * 24 * 3_600_000

export type IncidentItem = z.infer<typeof incidentSchema>
export type IncidentDetail = z.infer<typeof incidentDetailSchema>
