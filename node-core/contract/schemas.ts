import { z } from 'zod'
import type { InviteId, JoinId, MeshId, NodeName, PeerId, ServiceName } from '../domain/ids.ts'
import {
  parseInviteId,
  parseJoinId,
  parseMeshId,
  parseNodeName,
  parsePeerId,
  parseServiceName,
} from '../domain/ids.ts'
import { LINK_STATES } from '../domain/link.ts'
import { ROLES } from '../domain/role.ts'

/*
 * The values that cross the contract. Naming: `...Ms` is a duration in milliseconds, `...At` is a moment in
 * milliseconds since the Unix epoch, `null` means unknown or not there.
 */

/** Version of every document: raised when a field changes its meaning or goes away, not when one is added. */
export const SCHEMA_VERSION = 1
const schemaVersion = z.literal(SCHEMA_VERSION)

/** Text that a domain parser accepts, typed as what the parser returns. */
export function idSchema<T extends string>(
  parse: (raw: string) => T | undefined,
  what: string,
): z.ZodType<T, string> {
  const schema: z.ZodType = z
    .string()
    .max(128, { error: `must be ${what}`, abort: true })
    .refine((raw) => parse(raw) !== undefined, { error: `must be ${what}` })
  // A refinement narrows no type. It stays one, rather than a transform, so that a JSON schema can be made of it.
  return schema as z.ZodType<T, string>
}

const LABEL_TEXT = '1 to 63 lowercase letters, digits and hyphens, with a letter or digit at both ends'

export const peerIdSchema: z.ZodType<PeerId, string> = idSchema(parsePeerId, 'a peer id (12D3KooW...)')
export const meshIdSchema: z.ZodType<MeshId, string> = idSchema(parseMeshId, 'a mesh id (64 hex characters)')
export const nodeNameSchema: z.ZodType<NodeName, string> = idSchema(
  parseNodeName,
  `a node name: ${LABEL_TEXT}`,
)
export const serviceNameSchema: z.ZodType<ServiceName, string> = idSchema(
  parseServiceName,
  `a service name: ${LABEL_TEXT}`,
)
export const inviteIdSchema: z.ZodType<InviteId, string> = idSchema(parseInviteId, 'an invite id (inv-...)')
export const joinIdSchema: z.ZodType<JoinId, string> = idSchema(parseJoinId, 'a join id (join-...)')

/** How people name a node: by its name or by its peer id. */
export const nodeRefSchema: z.ZodType<NodeName | PeerId, string> = idSchema(
  (raw) => parsePeerId(raw) ?? parseNodeName(raw),
  `a node name or a peer id: ${LABEL_TEXT}, or 12D3KooW...`,
)

export const roleSchema = z.enum(ROLES)
const linkStateSchema = z.enum(LINK_STATES)
const durationMs = z.number().nonnegative()
const moment = z.number().int().nonnegative()

/** A document on its own: what `--json` prints carries the schema version first. */
export function documentOf<S extends z.ZodRawShape>(shape: S) {
  return z.object({ schema: schemaVersion, ...shape })
}

/** A list as a document: `{ schema, items }`. */
export function listOf<T extends z.ZodType>(item: T) {
  return documentOf({ items: z.array(item) })
}

/** `expired` and `revoked` say that the mesh no longer takes this node for a member. */
const NODE_STATES = ['starting', 'up', 'expired', 'revoked', 'stopping'] as const
export const KEYSTORE_KINDS = ['passphrase', 'keyfile'] as const

const nodeSchema = z.object({
  name: nodeNameSchema,
  peerId: peerIdSchema,
  /** What people call the mesh; its id where the name is not known. */
  mesh: z.string().min(1).max(256),
  state: z.enum(NODE_STATES),
  version: z.string(),
  /** What opens the keystore at rest: a passphrase, or a key file beside it. */
  keystore: z.enum(KEYSTORE_KINDS),
})

/** An admitted direct connection to a neighbour, or one that is being tried again. */
export const linkSchema = z.object({
  peer: peerIdSchema,
  name: nodeNameSchema,
  state: linkStateSchema,
  /** Smoothed round trip. */
  rttMs: durationMs.nullable(),
  /** Inferred from late arrival, 0 to 1: over TCP nothing is lost, only late. */
  lossEstimate: z.number().min(0).max(1).nullable(),
  /** Protocol id of the handshake suite of this very connection. */
  suite: z.string().nullable(),
  /** How long the link has been in this state. */
  sinceMs: durationMs,
})

export const linkDetailSchema = linkSchema.extend({
  jitterMs: durationMs.nullable(),
  /** The other clock minus ours. */
  clockOffsetMs: z.number().nullable(),
  direction: z.enum(['inbound', 'outbound']).nullable(),
  /** Multiaddr of the other end. */
  address: z.string().nullable(),
})

export const memberSchema = z.object({
  peer: peerIdSchema,
  name: nodeNameSchema,
  role: roleSchema,
  reachable: z.boolean(),
  /** Links between this node and the member: 0 for this node, 1 for a neighbour. */
  hops: z.number().int().nonnegative().nullable(),
  /** The nodes between, in order; empty for this node and for a neighbour. */
  via: z.array(peerIdSchema),
  /** How long ago it last proved to be alive. */
  seenMs: durationMs.nullable(),
})

export const memberDetailSchema = memberSchema.extend({
  self: z.boolean(),
  /** `quarantined`: this node keeps it away for a while. */
  standing: z.enum(['member', 'expired', 'revoked', 'quarantined']),
  issuing: z.boolean(),
  /** `site=berlin`, `gpu`. */
  labels: z.array(z.string()),
  /** When its certificate expires. */
  expiresAt: moment,
  /** The version of x0t that it says it runs. */
  version: z.string().nullable(),
})

/** `tcp` connects; `http:/path` wants a 2xx or 3xx answer. */
export const checkSchema = z
  .string()
  .max(1024)
  .regex(
    /^(?:tcp|http:\/(?!\/)[\x21-\x7e]*)$/,
    'must be tcp or http:/path (a path alone: the host is that of the target)',
  )

export const portSchema = z.number().int().min(1).max(65_535)

/** HOST:PORT or [IPV6]:PORT. */
export const targetSchema = z
  .string()
  .max(300)
  .regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}$/, {
    error: 'must be HOST:PORT, for example 127.0.0.1:8080',
    abort: true,
  })
  .refine((raw) => Number(raw.slice(raw.lastIndexOf(':') + 1)) <= 65_535, {
    error: 'must have a port up to 65535',
  })

/** One service at one node. */
export const serviceSchema = z.object({
  name: serviceNameSchema,
  /** The node that provides it. */
  peer: peerIdSchema,
  node: nodeNameSchema,
  local: z.boolean(),
  /** Where it is reached; told by its own node alone. */
  target: targetSchema.nullable(),
  check: checkSchema.nullable(),
  /** Unknown until a first check has ended, and for a node that is not reachable. */
  state: z.enum(['healthy', 'unhealthy', 'unknown']),
  /** Why it is not healthy. */
  detail: z.string().nullable(),
})

/** A local port that leads to a service. */
export const forwardSchema = z.object({
  /** The local address it listens on. */
  host: z.string().min(1),
  port: portSchema,
  service: serviceNameSchema,
  /** The only node that may provide it, or null for any. */
  node: z.string().nullable(),
  state: z.enum(['listening', 'failed']),
  /** Flows that are open now. */
  flows: z.number().int().nonnegative(),
  /** Why it failed, or why the last flow did. */
  detail: z.string().nullable(),
})

/** A local port at which SOCKS5 clients name the service that they want. */
export const socksSchema = z.object({
  /** The local address it listens on. */
  host: z.string().min(1),
  port: portSchema,
  state: z.enum(['listening', 'failed']),
  /** Flows that are open now. */
  flows: z.number().int().nonnegative(),
  /** Why it failed, or why the last client got nothing. */
  detail: z.string().nullable(),
})

const SEVERITIES = ['info', 'warning', 'critical'] as const

export const healthItemSchema = z.object({
  /** Stable: what scripts may rely on. */
  code: z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]*$/),
  severity: z.enum(SEVERITIES),
  title: z.string(),
  impactsConnectivity: z.boolean(),
})

export const statusSchema = documentOf({
  node: nodeSchema,
  links: z.array(linkSchema),
  members: z.array(memberSchema),
  services: z.array(serviceSchema),
  forwards: z.array(forwardSchema),
  socks: z.array(socksSchema),
  health: z.array(healthItemSchema),
})

export const CHECKS = ['live', 'ready'] as const

export const checkResultSchema = documentOf({
  check: z.enum(CHECKS),
  ok: z.boolean(),
  /** What is missing, in words; empty when ok. */
  reasons: z.array(z.string()),
})

export const versionSchema = documentOf({
  version: z.string(),
  /** Version of Node.js that the node runs on. */
  runtime: z.string(),
  pid: z.number().int().positive(),
  /** When this run of the node began. */
  startedAt: moment,
})

export const downResultSchema = documentOf({ pid: z.number().int().positive() })

export const pingResultSchema = documentOf({
  peer: peerIdSchema,
  name: nodeNameSchema,
  answered: z.boolean(),
  /** Null when there was no answer. */
  rttMs: durationMs.nullable(),
  /** Names of the nodes between; empty means direct. */
  via: z.array(nodeNameSchema),
  /** Why there was no answer. */
  detail: z.string().nullable(),
})

export const inviteResultSchema = documentOf({
  id: inviteIdSchema,
  /** The one-time secret. Shown once, kept nowhere. */
  token: z.string().regex(/^x0t1[\x21-\x7e]+$/),
  /** Of the mesh authority: what the joining side compares. */
  fingerprint: meshIdSchema,
  role: roleSchema,
  approve: z.boolean(),
  expiresAt: moment,
  /** Addresses in the token, as multiaddr text. */
  addresses: z.array(z.string()),
})

/** A join request that waits, or waited, for an operator. */
export const joinSchema = z.object({
  id: joinIdSchema,
  invite: inviteIdSchema,
  peer: peerIdSchema,
  name: nodeNameSchema,
  role: roleSchema,
  requestedAt: moment,
  /** A request that nobody decided by then is denied. */
  expiresAt: moment,
  state: z.enum(['pending', 'approved', 'rejected', 'expired']),
})

export const revokeResultSchema = documentOf({
  peer: peerIdSchema,
  name: nodeNameSchema,
  /** The certificates that the revoked issuer had issued and that went with it. */
  alsoRevoked: z.array(peerIdSchema),
})

export const leaveResultSchema = documentOf({ mesh: z.string(), peer: peerIdSchema })

export type Status = z.infer<typeof statusSchema>
export type Link = z.infer<typeof linkSchema>
export type LinkDetail = z.infer<typeof linkDetailSchema>
export type Member = z.infer<typeof memberSchema>
export type MemberDetail = z.infer<typeof memberDetailSchema>
export type Service = z.infer<typeof serviceSchema>
export type Forward = z.infer<typeof forwardSchema>
export type Socks = z.infer<typeof socksSchema>
export type HealthItem = z.infer<typeof healthItemSchema>
export type Join = z.infer<typeof joinSchema>
export type PingResult = z.infer<typeof pingResultSchema>

/** What is to be changed of a member; `null` leaves it as it is. */
export const memberUpdateSchema = z.strictObject({
  node: nodeRefSchema,
  name: nodeNameSchema.nullable(),
  role: roleSchema.nullable(),
  labels: z.array(z.string().min(1).max(64)).max(32).nullable(),
  transit: z.boolean().nullable(),
})
