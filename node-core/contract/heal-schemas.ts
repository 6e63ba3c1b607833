import { z } from 'zod'
import { type IncidentId, type PlanId, parseIncidentId, parsePlanId } from '../domain/ids.ts'
import { INCIDENT_STATES, TIMELINE_KINDS } from '../domain/incident.ts'
import { PLAN_STATES, PLAYBOOK_MODES, RISKS, STEP_ACTIONS, STEP_STATES } from '../domain/plan.ts'
import { SEVERITIES } from '../domain/symptom.ts'
import { documentOf, peerIdSchema } from './schemas.ts'

const moment = z.number().int().nonnegative()

export const planIdSchema: z.ZodType<PlanId, string> = z.custom<PlanId>(
  (raw) => typeof raw === 'string' && parsePlanId(raw) !== undefined,
  { error: 'must be a plan id (plan-...)' },
)
export const healIncidentIdSchema: z.ZodType<IncidentId, string> = z.custom<IncidentId>(
  (raw) => typeof raw === 'string' && parseIncidentId(raw) !== undefined,
  { error: 'must be an incident id (inc-...)' },
)
export const playbookNameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'must be the name of a playbook')

/** A subject in words, `link n1-n2`, and the step's own words for what it did. */
const planStepSchema = z.object({
  id: z.string(),
  action: z.enum(STEP_ACTIONS),
  subject: z.string(),
  target: peerIdSchema,
  /** Its name. */
  at: z.string(),
  optional: z.boolean(),
  after: z.array(z.string()),
  state: z.enum(STEP_STATES),
  startedAt: moment.nullable(),
  endedAt: moment.nullable(),
  outcome: z.string().nullable(),
  /** What takes it back. */
  undo: z.enum(STEP_ACTIONS).nullable(),
  /** The step with its ids and arguments in one line: what whoever approves it from another node signs. */
  statement: z.string(),
})

export const planSchema = z.object({
  id: planIdSchema,
  incident: healIncidentIdSchema,
  playbook: z.string(),
  playbookVersion: z.number().int(),
  mode: z.enum(PLAYBOOK_MODES),
  risk: z.enum(RISKS),
  blastRadius: z.number().int(),
  state: z.enum(PLAN_STATES),
  reason: z.string(),
  createdAt: moment,
  endedAt: moment.nullable(),
  approvalExpiresAt: moment.nullable(),
  candidates: z.array(
    z.object({
      playbook: z.string(),
      version: z.number().int(),
      score: z.number(),
      reasons: z.array(z.string()),
      chosen: z.boolean(),
    }),
  ),
  steps: z.array(planStepSchema),
  approvals: z.array(
    z.object({
      by: z.string(),
      verdict: z.enum(['approve', 'reject']),
      at: moment,
      comment: z.string().nullable(),
    }),
  ),
  verification: z
    .object({
      at: moment,
      passed: z.boolean(),
      checks: z.array(z.object({ text: z.string(), passed: z.boolean(), from: z.string() })),
    })
    .nullable(),
})
export type PlanDocument = z.infer<typeof planSchema>

export const playbookSummarySchema = z.object({
  playbook: z.string(),
  version: z.number().int(),
  title: z.string(),
  symptoms: z.array(z.string()),
  risk: z.enum(RISKS),
  /** What its file says, and what a person has set instead. */
  mode: z.enum(PLAYBOOK_MODES),
  setMode: z.enum(PLAYBOOK_MODES).nullable(),
  enabled: z.boolean(),
  /** `shipped`, or its file. */
  origin: z.string(),
  /** Verified repairs, and attempts that repaired nothing; both fade. */
  wins: z.number(),
  losses: z.number(),
})
export type PlaybookSummary = z.infer<typeof playbookSummarySchema>

export const playbookDetailSchema = documentOf({
  playbook: playbookSummarySchema.extend({
    about: z.string(),
    steps: z.array(
      z.object({
        id: z.string(),
        action: z.enum(STEP_ACTIONS),
        on: z.string(),
        after: z.array(z.string()),
        timeoutMs: z.number(),
        attempts: z.number().int(),
        optional: z.boolean(),
        undo: z.enum(STEP_ACTIONS).nullable(),
      }),
    ),
    verify: z.string(),
    /** The text of its file. */
    document: z.string(),
  }),
})

export const playbookListSchema = documentOf({
  items: z.array(playbookSummarySchema),
  /** Files of people that cannot be used, as `FILE:LINE:COLUMN: why`. */
  problems: z.array(z.string()),
})

/** What a playbook would do, without doing it. */
export const playbookTestSchema = documentOf({
  problems: z.array(z.string()),
  matches: z.boolean(),
  mode: z.enum(PLAYBOOK_MODES).nullable(),
  why: z.string(),
  /** What the guards would say now; null where they let it begin. */
  heldBackBy: z.string().nullable(),
  blastRadius: z.number().int(),
  steps: z.array(planStepSchema),
})

export const healStatusSchema = documentOf({
  state: z.enum(['watching', 'healing', 'paused', 'safe-mode']),
  paused: z.object({ reason: z.string(), by: z.string(), at: moment }).nullable(),
  safeModeUntil: moment.nullable(),
  healing: z.array(healIncidentIdSchema),
  /** Of the loop itself, within ten minutes. */
  faults: z.number().int(),
  waiting: z.array(
    z.object({
      id: planIdSchema,
      incident: healIncidentIdSchema,
      playbook: z.string(),
      expiresAt: moment.nullable(),
    }),
  ),
  /** Traffic that this node leads away. */
  steering: z.array(z.object({ what: z.string(), until: moment })),
  quarantined: z.array(z.object({ peer: peerIdSchema, name: z.string(), until: moment, reason: z.string() })),
})

/** All that there is to say about one incident, for one screen. */
export const whySchema = documentOf({
  incident: z.object({
    id: healIncidentIdSchema,
    code: z.string(),
    subject: z.string(),
    title: z.string(),
    state: z.enum(INCIDENT_STATES),
    severity: z.enum(SEVERITIES),
    confidence: z.number(),
    diagnosis: z.string().nullable(),
    firstEvidenceAt: moment,
    resolvedAt: moment.nullable(),
    /** First evidence to first verified delivery. */
    repairMs: z.number().nullable(),
    coordinator: z.string(),
    witnesses: z.array(z.string()),
    evidence: z.array(z.object({ at: moment, from: z.string(), text: z.string() })),
    consequences: z.array(z.string()),
    timeline: z.array(z.object({ at: moment, kind: z.enum(TIMELINE_KINDS), text: z.string() })),
  }),
  plans: z.array(planSchema),
  precedents: z.array(
    z.object({
      id: healIncidentIdSchema,
      title: z.string(),
      likeness: z.number(),
      state: z.enum(INCIDENT_STATES),
      playbook: z.string().nullable(),
    }),
  ),
})
export type WhyDocument = z.infer<typeof whySchema>
