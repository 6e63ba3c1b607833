import { z } from 'zod'
import { PLAYBOOK_MODES, RISKS, STEP_ACTIONS } from '../../domain/plan.ts'
import { NODE_PARTS, SUBJECT_KINDS } from '../../domain/subject.ts'
import { parseDuration } from '../../platform/duration.ts'

/** Version of the file format: `x0t` at its head. */
const PLAYBOOK_FORMAT = 1
const MAX_PLAYBOOK_STEPS = 16
const MAX_ARGS = 16
const MAX_ARG_LENGTH = 200
const SECOND_MS = 1_000
const HOUR_MS = 3_600_000

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const NAME_ERROR = 'expected lowercase letters, digits and hyphens'
const name = z.string({ error: NAME_ERROR }).regex(NAME, { error: NAME_ERROR })

/** `30s`, kept as text in the JSON Schema and as milliseconds here. */
function duration(minMs: number, maxMs: number) {
  const error = 'expected a duration such as 500ms, 30s or 10m'
  return z.string({ error }).transform((raw, context) => {
    const result = parseDuration(raw)
    if (result.ok && result.ms >= minMs && result.ms <= maxMs) return result.ms
    const message = result.ok
      ? `expected from ${minMs} ms to ${maxMs} ms`
      : `'${raw.slice(0, 20)}' ${result.problem}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

const share = z.number().min(0).max(1)

/** Who does a step. Each becomes one step per node. */
export const STEP_PLACES = [
  'coordinator',
  'subject',
  'ends',
  'witnesses',
  'provider',
  'consumers',
  'everyone',
] as const
export type StepPlace = (typeof STEP_PLACES)[number]

const argsSchema = z
  .record(name, z.union([z.string().max(MAX_ARG_LENGTH), z.number(), z.boolean()]))
  .refine((args) => Object.keys(args).length <= MAX_ARGS, { error: `at most ${MAX_ARGS} arguments` })

const stepSchema = z.strictObject({
  id: name,
  do: z.enum(STEP_ACTIONS),
  on: z.enum(STEP_PLACES).default('coordinator'),
  with: argsSchema.default({}),
  after: z.array(name).max(MAX_PLAYBOOK_STEPS).default([]),
  timeout: duration(100, HOUR_MS).default(10 * SECOND_MS),
  attempts: z.int().min(1).max(10).default(1),
  optional: z.boolean().default(false),
  undo: z.strictObject({ do: z.enum(STEP_ACTIONS), with: argsSchema.default({}) }).optional(),
})

/** What has to be seen before anything is called healed. */
const VERIFY_KINDS = ['delivery', 'quality', 'service', 'certificate', 'config', 'quiet', 'none'] as const

export type VerifyKind = (typeof VERIFY_KINDS)[number]

const verifySchema = z.strictObject({
  expect: z.enum(VERIFY_KINDS).default('delivery'),
  /** After the last step, how long the measurement is repeated before the plan has failed. */
  within: duration(SECOND_MS, HOUR_MS).default(15 * SECOND_MS),
})

const triggerSchema = z.strictObject({
  symptoms: z.array(name).min(1).max(16),
  subjects: z.array(z.enum(SUBJECT_KINDS)).min(1).optional(),
  parts: z.array(z.enum(NODE_PARTS)).min(1).optional(),
  confidence: share.default(0),
})

const guardsSchema = z.strictObject({
  /** After it has run on a subject, however it ended, it does not run there again for so long. */
  cooldown: duration(0, 24 * HOUR_MS).default(30 * SECOND_MS),
  'per-hour': z.int().min(1).max(1_000).default(20),
  /** Nodes that its steps may touch. */
  'blast-radius': z.int().min(1).max(256).default(8),
  /** It runs only while this share of the members is reachable. */
  'healthy-share': share.default(0),
  /** `maintenance`: only inside of a maintenance window. */
  when: z.enum(['always', 'maintenance']).default('always'),
})

export const playbookSchema = z
  .strictObject({
    x0t: z.literal(PLAYBOOK_FORMAT, { error: `expected ${PLAYBOOK_FORMAT}, the version of this format` }),
    playbook: name,
    version: z.int().min(1).max(1_000_000),
    title: z.string().min(1).max(120),
    /** For the tired operator: what it does, and when that helps. */
    about: z.string().min(1).max(1_000),
    trigger: triggerSchema,
    risk: z.enum(RISKS),
    /** Repairs that its author vouches for before it has been tried here: the first choice of several has more. */
    prior: z.int().min(0).max(10).default(0),
    mode: z.enum(PLAYBOOK_MODES).default('auto'),
    /** Below this confidence a person is asked although the mode is auto. */
    'ask-below': share.default(0.5),
    /** Below this one it only observes. */
    'observe-below': share.default(0.2),
    guards: guardsSchema.prefault({}),
    steps: z.array(stepSchema).min(1).max(MAX_PLAYBOOK_STEPS),
    verify: verifySchema.prefault({}),
  })
  .superRefine(({ steps }, context) => {
    const ids = steps.map(({ id }) => id)
    for (const [at, step] of steps.entries()) {
      if (ids.indexOf(step.id) !== at)
        context.addIssue({
          code: 'custom',
          path: ['steps', at, 'id'],
          message: `'${step.id}' is there twice`,
        })
      // Only steps above: so the order in the file is an order to run in, and no cycle can be written.
      for (const [index, before] of step.after.entries()) {
        if (ids.slice(0, at).includes(before)) continue
        const message = `'${before}' is no step above this one`
        context.addIssue({ code: 'custom', path: ['steps', at, 'after', index], message })
      }
    }
  })

export type Playbook = z.infer<typeof playbookSchema>
export type PlaybookStep = Playbook['steps'][number]
