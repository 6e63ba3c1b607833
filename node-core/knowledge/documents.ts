import { z } from 'zod'
import { parseIncidentId, parseNodeName, parsePeerId, parsePlanId, parseServiceName } from '../domain/ids.ts'
import { INCIDENT_STATES, type Incident, TIMELINE_KINDS } from '../domain/incident.ts'
import { PLAN_STATES, PLAYBOOK_MODES, type Plan, RISKS, STEP_ACTIONS, STEP_STATES } from '../domain/plan.ts'
import { NODE_PARTS, type Subject } from '../domain/subject.ts'
import { FIGURE_KINDS, SEVERITIES, type Symptom } from '../domain/symptom.ts'
import { parsed, type Sql } from './sql.ts'

/** A document of the domain as JSON text. JSON has no `undefined`, so a field that has none is written as null. */
export const encodeDocument = (document: object): string =>
  JSON.stringify(document, (_key, value: unknown) => (value === undefined ? null : value))

/** Reads a document back. @throws FaultError STORE_CORRUPT when it is not one. */
export function decodeDocument<T>(sql: Sql, raw: string, schema: z.ZodType<T>, what: string): T {
  return parsed(
    sql,
    raw,
    (text) => {
      try {
        return schema.safeParse(JSON.parse(text)).data
      } catch {
        return undefined
      }
    },
    what,
  )
}

function idOf<T>(parse: (raw: string) => T | undefined) {
  return z.string().transform((raw, context) => {
    const id = parse(raw)
    if (id !== undefined) return id
    context.addIssue({ code: 'custom', message: 'not an id of its kind' })
    return z.NEVER
  })
}

export const maybe = <S extends z.ZodType>(schema: S) =>
  schema.nullable().transform((value) => value ?? undefined)

export const peer = idOf(parsePeerId)
export const nodeName = idOf(parseNodeName)
const planId = idOf(parsePlanId)
const incidentId = idOf(parseIncidentId)

export const subjectDocument: z.ZodType<Subject> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('node'), peer }),
  z.object({ kind: z.literal('link'), ends: z.tuple([peer, peer]) }),
  z.object({ kind: z.literal('service'), name: idOf(parseServiceName), provider: peer }),
  z.object({ kind: z.literal('mesh') }),
  z.object({ kind: z.literal('part'), peer, part: z.enum(NODE_PARTS) }),
])

const evidence = z.object({
  text: z.string(),
  at: z.number(),
  witness: peer,
  figure: z
    .object({ name: z.string(), value: z.number(), unit: z.string(), kind: z.enum(FIGURE_KINDS) })
    .exactOptional(),
})

export const symptomDocument: z.ZodType<Symptom> = z.object({
  code: z.string(),
  subject: subjectDocument,
  severity: z.enum(SEVERITIES),
  confidence: z.number(),
  impactsConnectivity: z.boolean(),
  firstSeenAt: z.number(),
  lastSeenAt: z.number(),
  evidence: z.array(evidence),
})

export const incidentDocument: z.ZodType<Incident> = z.object({
  id: incidentId,
  aliases: z.array(incidentId),
  code: z.string(),
  subject: subjectDocument,
  severity: z.enum(SEVERITIES),
  confidence: z.number(),
  impactsConnectivity: z.boolean(),
  state: z.enum(INCIDENT_STATES),
  title: z.string(),
  diagnosis: maybe(z.string()),
  firstEvidenceAt: z.number(),
  openedAt: z.number(),
  clearedAt: maybe(z.number()),
  resolvedAt: maybe(z.number()),
  evidence: z.array(evidence),
  consequences: z.array(z.object({ code: z.string(), subject: subjectDocument })),
  witnesses: z.array(peer),
  coordinator: peer,
  plans: z.array(planId),
  people: z.object({
    acknowledgedBy: maybe(z.string()),
    owner: maybe(z.string()),
    silencedUntil: maybe(z.number()),
    notes: z.array(z.object({ by: z.string(), at: z.number(), text: z.string() })),
  }),
  timeline: z.array(
    z.object({
      at: z.number(),
      kind: z.enum(TIMELINE_KINDS),
      text: z.string(),
      planId: planId.exactOptional(),
      actor: z.string().exactOptional(),
    }),
  ),
})

const stepArgs = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

const planStep = z.object({
  id: z.string(),
  action: z.enum(STEP_ACTIONS),
  subject: subjectDocument,
  target: peer,
  args: stepArgs,
  optional: z.boolean(),
  after: z.array(z.string()),
  timeoutMs: z.number(),
  attempts: z.number(),
  compensation: maybe(z.object({ action: z.enum(STEP_ACTIONS), args: stepArgs })),
  state: z.enum(STEP_STATES),
  startedAt: maybe(z.number()),
  endedAt: maybe(z.number()),
  outcome: maybe(z.string()),
})

export const planDocument: z.ZodType<Plan> = z.object({
  id: planId,
  incident: incidentId,
  playbook: z.string(),
  playbookVersion: z.number(),
  mode: z.enum(PLAYBOOK_MODES),
  risk: z.enum(RISKS),
  blastRadius: z.number(),
  candidates: z.array(
    z.object({
      playbook: z.string(),
      version: z.number(),
      score: z.number(),
      reasons: z.array(z.string()),
      chosen: z.boolean(),
    }),
  ),
  state: z.enum(PLAN_STATES),
  reason: z.string(),
  steps: z.array(planStep),
  createdAt: z.number(),
  endedAt: maybe(z.number()),
  approvalExpiresAt: maybe(z.number()),
  approvals: z.array(
    z.object({
      by: z.string(),
      verdict: z.enum(['approve', 'reject']),
      at: z.number(),
      comment: maybe(z.string()),
      proof: z.object({ approver: peer, action: z.string(), steps: z.array(z.string()) }).exactOptional(),
    }),
  ),
  verification: maybe(
    z.object({
      at: z.number(),
      passed: z.boolean(),
      checks: z.array(z.object({ text: z.string(), passed: z.boolean(), from: z.string() })),
    }),
  ),
})
