import { z } from 'zod'
import { ALERT_EVENTS, CHANNEL_KINDS } from '../domain/alert.ts'
import { SEVERITIES } from '../domain/symptom.ts'
import { changesNode, reads } from './operation.ts'
import { documentOf, listOf } from './schemas.ts'

const channelNameSchema = z.string().min(1).max(32)

/** One way of telling people, and how it goes. Where it leads is for whoever may read the settings. */
export const alertChannelSchema = z.object({
  name: channelNameSchema,
  kind: z.enum(CHANNEL_KINDS),
  enabled: z.boolean(),
  severities: z.array(z.enum(SEVERITIES)),
  events: z.array(z.enum(ALERT_EVENTS)),
  throttleMs: z.number().int(),
  /** Alerts that wait for the throttle, the end of quiet hours or the next try. */
  waiting: z.number().int(),
  /** Of the last message, since the node was started. */
  sentAt: z.number().int().nullable(),
  /** Alerts given up, since the node was started. */
  lost: z.number().int(),
  /** Why the last try failed; null after one that did not. */
  problem: z.string().nullable(),
})
export type AlertChannel = z.infer<typeof alertChannelSchema>

/** Not delivered is an outcome, not an error. */
const alertTestSchema = documentOf({
  name: channelNameSchema,
  delivered: z.boolean(),
  problem: z.string().nullable(),
  tookMs: z.number().int(),
})

export const alertOperations = {
  list: reads('viewer').output(listOf(alertChannelSchema)),
  /** Sends a message that says that it is a test, at once. */
  test: changesNode('operator')
    .input(z.strictObject({ name: channelNameSchema }))
    .output(alertTestSchema),
}
