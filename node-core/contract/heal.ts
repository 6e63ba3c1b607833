import { z } from 'zod'
import { PLAYBOOK_MODES } from '../domain/plan.ts'
import {
  healIncidentIdSchema,
  healStatusSchema,
  planIdSchema,
  planSchema,
  playbookDetailSchema,
  playbookListSchema,
  playbookNameSchema,
  playbookSummarySchema,
  playbookTestSchema,
  whySchema,
} from './heal-schemas.ts'
import { changesNode, reads } from './operation.ts'
import { documentOf, listOf } from './schemas.ts'

const MAX_TEXT = 500
const MAX_DOCUMENT = 64 * 1024
const MAX_STATEMENTS = 64

/** What the loop of this node does, and whether it may. */
export const healOperations = {
  status: reads('viewer').output(healStatusSchema),
  /** Nothing new begins; what is being done is finished. */
  pause: changesNode('operator')
    .input(z.strictObject({ reason: z.string().min(1).max(MAX_TEXT) }))
    .output(healStatusSchema),
  /** Ends a pause, and safe mode. */
  resume: changesNode('operator').output(healStatusSchema),
  /** Everything about an incident, by its id or that of one of its plans. */
  why: reads('viewer')
    .input(z.strictObject({ id: z.union([healIncidentIdSchema, planIdSchema]) }))
    .output(whySchema),
}

/** `steps`: what was shown to the person, as the statements of the plan; from another node it is what the signature is for. */
const approveInput = z.strictObject({
  id: planIdSchema,
  comment: z.string().max(MAX_TEXT).nullable(),
  steps: z.array(z.string().max(MAX_TEXT)).max(MAX_STATEMENTS).optional(),
})
const rejectInput = approveInput.omit({ steps: true })

/** Repairs that were proposed, run, or wait for a person. */
export const planOperations = {
  list: reads('viewer')
    .input(z.strictObject({ waiting: z.boolean() }))
    .output(listOf(planSchema)),
  show: reads('viewer')
    .input(z.strictObject({ id: planIdSchema }))
    .output(documentOf({ plan: planSchema })),
  approve: changesNode('operator')
    .input(approveInput)
    .output(documentOf({ plan: planSchema })),
  reject: changesNode('operator')
    .input(rejectInput)
    .output(documentOf({ plan: planSchema })),
  /** Takes back what a repair that succeeded has changed, the last step first. Answers when that is over. */
  undo: changesNode('operator')
    .input(z.strictObject({ id: planIdSchema }))
    .output(documentOf({ plan: planSchema })),
}

/** What answers to which symptom. */
export const playbookOperations = {
  list: reads('viewer').output(playbookListSchema),
  show: reads('viewer')
    .input(z.strictObject({ playbook: playbookNameSchema }))
    .output(playbookDetailSchema),
  /** What a playbook would do about an incident. Does nothing of it. */
  test: reads('viewer')
    .input(
      z.strictObject({
        document: z.string().max(MAX_DOCUMENT),
        file: z.string().max(1_024),
        against: healIncidentIdSchema.nullable(),
      }),
    )
    .output(playbookTestSchema),
  /** Switches it on or off, or sets how far it may go by itself; null leaves that to its file. */
  set: changesNode('operator')
    .input(
      z.strictObject({
        playbook: playbookNameSchema,
        enabled: z.boolean().optional(),
        mode: z.enum(PLAYBOOK_MODES).nullable().optional(),
      }),
    )
    .output(documentOf({ playbook: playbookSummarySchema })),
  /**
   * Keeps a playbook of a person in the home of the node; it takes the place of one of the same name, and its version
   * has to be above that one's.
   */
  save: changesNode('admin')
    .input(z.strictObject({ document: z.string().max(MAX_DOCUMENT) }))
    .output(documentOf({ playbook: playbookSummarySchema })),
  /** Removes one of a person; one that came with the program under the same name is in force again. */
  remove: changesNode('admin')
    .input(z.strictObject({ playbook: playbookNameSchema }))
    .output(documentOf({ playbook: playbookNameSchema, shippedAgain: z.boolean() })),
  /** Forgets what was learned of one, or of all. */
  forget: changesNode('operator')
    .input(z.strictObject({ playbook: playbookNameSchema.nullable() }))
    .output(documentOf({ outcomes: z.number().int() })),
}
