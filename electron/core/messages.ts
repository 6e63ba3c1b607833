/** What the main process and the core, a process of its own, say to each other. Both ends parse what they get. */
import { z } from 'zod'

const MAX_ITEMS = 50

export const problemSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() })
export type Problem = z.infer<typeof problemSchema>

export const nodeStateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('starting') }),
  /** `hosted`: this app started it, and it ends with the app. */
  z.object({ kind: z.literal('up'), hosted: z.boolean(), pid: z.number().int() }),
  /** Nobody starts it again before somebody asks for it. */
  z.object({ kind: z.literal('stopped') }),
  z.object({ kind: z.literal('down'), problem: problemSchema, retryMs: z.number() }),
])
export type NodeState = z.infer<typeof nodeStateSchema>

const severitySchema = z.enum(['info', 'warning', 'critical'])
export type Severity = z.infer<typeof severitySchema>

/** What the tray and the notifications are made of. */
export const factsSchema = z.object({
  node: z.object({ name: z.string(), mesh: z.string(), state: z.string() }),
  links: z.object({ all: z.number(), up: z.number() }),
  /** What is wrong, the urgent ones first; `page` is where the console shows it. */
  faults: z
    .array(
      z.object({
        ...{ key: z.string(), severity: severitySchema, title: z.string(), page: z.string() },
        /** Shown, but nobody is told of it. */
        silenced: z.boolean(),
      }),
    )
    .max(MAX_ITEMS),
  /** What waits for a person. */
  approvals: z.array(z.object({ key: z.string(), title: z.string(), page: z.string() })).max(MAX_ITEMS),
  /** Whether healing is paused, by a person or by the node itself. */
  paused: z.boolean(),
})
export type Facts = z.infer<typeof factsSchema>
export const MAX_FACTS = MAX_ITEMS

/** What the main process may have done at the node. */
export const requestSchema = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('setup-state') }),
  z.strictObject({ what: z.literal('read-token'), token: z.string() }),
  z.strictObject({ what: z.literal('join'), token: z.string(), name: z.string() }),
  z.strictObject({ what: z.literal('pause-healing'), paused: z.boolean() }),
])
export type Request = z.infer<typeof requestSchema>

export const commandSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('start'),
    home: z.string().min(1),
    /** The folder that holds `dist` and `node_modules`. */
    root: z.string().min(1),
    passphrase: z.string().nullable(),
  }),
  /** Comes with a port, whose other end is the page's. */
  z.strictObject({ kind: z.literal('line') }),
  /** Starts a node that was stopped on purpose, and ends the wait before the next attempt. */
  z.strictObject({ kind: z.literal('wake') }),
  z.strictObject({ kind: z.literal('ask'), id: z.number().int(), request: requestSchema }),
  z.strictObject({ kind: z.literal('stop') }),
])
export type Command = z.infer<typeof commandSchema>

export const reportSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('state'), state: nodeStateSchema }),
  /** Null while there is no mesh. */
  z.object({ kind: z.literal('facts'), facts: factsSchema.nullable() }),
  z.object({ kind: z.literal('answer'), id: z.number().int(), value: z.unknown() }),
  z.object({ kind: z.literal('refused'), id: z.number().int(), problem: problemSchema }),
  z.object({ kind: z.literal('ended') }),
])
export type Report = z.infer<typeof reportSchema>
