import { z } from 'zod'
import { incidentSchema } from './incidents-schemas.ts'
import {
  forwardSchema,
  healthItemSchema,
  linkDetailSchema,
  memberDetailSchema,
  peerIdSchema,
  serviceNameSchema,
  serviceSchema,
  socksSchema,
  statusSchema,
} from './schemas.ts'

const moment = z.number().int().nonnegative()

/*
 * Items of topics carry moments where the lists of the contract carry durations: a duration is another at every look.
 */
const nodeItemSchema = statusSchema.shape.node.extend({
  startedAt: moment,
  health: z.array(healthItemSchema),
})
const linkItemSchema = linkDetailSchema.omit({ sinceMs: true }).extend({ sinceAt: moment })
const memberItemSchema = memberDetailSchema.omit({ seenMs: true }).extend({ seenAt: moment.nullable() })
/** A connection that a service carries now, as this node sees it. */
const flowItemSchema = z.object({
  id: z.string().min(1).max(64),
  /** `use`: a client of this node uses a service. `provide`: a member uses a service of this node. */
  side: z.enum(['use', 'provide']),
  service: serviceNameSchema,
  peer: peerIdSchema,
  startedAt: moment,
  toProviderBytes: z.number().int().nonnegative(),
  toClientBytes: z.number().int().nonnegative(),
})

/** The items of each topic. A new topic is a line here, in TOPIC_KEYS, in nodeEventSchema and in app/events. */
const TOPIC_ITEMS = {
  node: nodeItemSchema,
  links: linkItemSchema,
  members: memberItemSchema,
  services: serviceSchema,
  forwards: forwardSchema,
  socks: socksSchema,
  flows: flowItemSchema,
  incidents: incidentSchema,
}

export type Topic = keyof typeof TOPIC_ITEMS
export type TopicItem<T extends Topic> = z.infer<(typeof TOPIC_ITEMS)[T]>

type TopicKeys = { readonly [T in Topic]: (item: TopicItem<T>) => string }

/** What tells one item of a topic from another. */
export const TOPIC_KEYS: TopicKeys = {
  node: () => 'node',
  links: ({ peer }) => peer,
  members: ({ peer }) => peer,
  services: ({ peer, name }) => `${peer}/${name}`,
  forwards: ({ port }) => String(port),
  socks: ({ port }) => String(port),
  flows: ({ id }) => id,
  incidents: ({ id }) => id,
}

const headShape = {
  /** `snapshot`: `set` replaces all there was. `change`: `set` is new or other than before, `removed` is gone. */
  kind: z.enum(['snapshot', 'change']),
  /** Counts the states of this topic while the node runs; after this event, the reader is at this one. */
  seq: z.number().int().nonnegative(),
  /**
   * The state that a change starts from; null for a snapshot. A reader that is elsewhere has missed something. A long
   * snapshot goes on as a change from its own state.
   */
  from: z.number().int().nonnegative().nullable(),
  /** When the node looked. */
  at: moment,
  /** Keys. */
  removed: z.array(z.string()),
}
const headSchema = z.object(headShape)
export type TopicHead = z.infer<typeof headSchema>

/** One event of one topic. */
export interface TopicEvent<T extends Topic> extends TopicHead {
  topic: T
  set: TopicItem<T>[]
}

const eventOf = <T extends Topic, S extends z.ZodType>(topic: T, item: S) =>
  z.object({ topic: z.literal(topic), ...headShape, set: z.array(item) })

/** Every event of `events.subscribe`. */
export const nodeEventSchema = z.discriminatedUnion('topic', [
  eventOf('node', TOPIC_ITEMS.node),
  eventOf('links', TOPIC_ITEMS.links),
  eventOf('members', TOPIC_ITEMS.members),
  eventOf('services', TOPIC_ITEMS.services),
  eventOf('forwards', TOPIC_ITEMS.forwards),
  eventOf('socks', TOPIC_ITEMS.socks),
  eventOf('flows', TOPIC_ITEMS.flows),
  eventOf('incidents', TOPIC_ITEMS.incidents),
])
export type NodeEvent = z.infer<typeof nodeEventSchema>

const topicSchema = z.enum([
  'node',
  'links',
  'members',
  'services',
  'forwards',
  'socks',
  'flows',
  'incidents',
])
export const TOPICS: readonly Topic[] = topicSchema.options

/** Which topics to follow. */
export const subscribeInputSchema = z.strictObject({ topics: z.array(topicSchema).min(1).max(32) })
