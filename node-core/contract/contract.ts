import type { InferContractRouterOutputs } from '@orpc/contract'
import { eventIterator } from '@orpc/contract'
import { z } from 'zod'
import { alertOperations } from './alerts.ts'
import { auditOperations } from './audit.ts'
import { configOperations } from './config.ts'
import { consoleOperations } from './console.ts'
import { nodeEventSchema, subscribeInputSchema } from './events-schemas.ts'
import { healOperations, planOperations, playbookOperations } from './heal.ts'
import { seriesOperations, sloOperations, topologyHistory } from './history.ts'
import { incidents } from './incidents.ts'
import { logOperations } from './log.ts'
import { metricOperations } from './metrics.ts'
import { changesMesh, changesNode, reads } from './operation.ts'
import { policyOperations } from './policy.ts'
import { netcheckResultSchema, routeSchema, traceResultSchema } from './routing-schemas.ts'
import {
  CHECKS,
  checkResultSchema,
  checkSchema,
  documentOf,
  downResultSchema,
  forwardSchema,
  inviteResultSchema,
  joinIdSchema,
  joinSchema,
  leaveResultSchema,
  linkDetailSchema,
  listOf,
  memberDetailSchema,
  memberUpdateSchema,
  nodeRefSchema,
  pingResultSchema,
  portSchema,
  revokeResultSchema,
  roleSchema,
  serviceNameSchema,
  serviceSchema,
  socksSchema,
  statusSchema,
  targetSchema,
  versionSchema,
} from './schemas.ts'
import { setupOperations } from './setup.ts'

import { topologySchema } from './topology-schemas.ts'

/** An invite lives from a minute to 30 days. */
export const INVITE_MIN_MS = 60_000
export const INVITE_MAX_MS = 30 * 24 * 3_600_000
export const PING_MAX_MS = 30_000

/** Every operation of a node. The role matrix in docs and tests is read from here. */
export const contract = {
  node: {
    status: reads('viewer').output(statusSchema),
    check: reads('viewer')
      .input(z.strictObject({ check: z.enum(CHECKS) }))
      .output(checkResultSchema),
    version: reads('viewer').output(versionSchema),
    /** Measures one round trip. No answer in time is an outcome, not an error. */
    ping: reads('viewer')
      .input(z.strictObject({ node: nodeRefSchema, timeoutMs: z.number().int().min(10).max(PING_MAX_MS) }))
      .output(pingResultSchema),
    /** Looks at how this node is connected, and asks one neighbour to connect back. Takes some seconds. */
    netcheck: reads('viewer').output(netcheckResultSchema),
    /** Answers, then stops the node in good order. */
    down: changesNode('admin').output(downResultSchema),
    /** Gives up membership: forgets the certificate and the keys, then stops the node. */
    leave: changesNode('owner').output(leaveResultSchema),
  },
  members: {
    list: reads('viewer').output(listOf(memberDetailSchema)),
    /** Final: the machine needs a new identity and a new invite to come back. */
    revoke: changesMesh('admin')
      .input(
        z.strictObject({
          node: nodeRefSchema,
          reason: z.string().max(500).optional(),
          /** Members that it brought in as an issuer stay; without it they are revoked with it. */
          keepIssued: z.boolean().default(false),
        }),
      )
      .output(revokeResultSchema),
    /** A new certificate with another name, role, labels or right to carry. What is null stays. */
    update: changesMesh('admin')
      .input(memberUpdateSchema)
      .output(documentOf({ member: memberDetailSchema })),
    /** Lets a member let machines in and renew certificates, for so long. The authority's to give. */
    grantIssuing: changesMesh('owner')
      .input(
        z.strictObject({
          node: nodeRefSchema,
          forMs: z
            .number()
            .int()
            .min(3_600_000)
            .max(365 * 86_400_000),
        }),
      )
      .output(documentOf({ member: memberDetailSchema })),
  },
  links: { list: reads('viewer').output(listOf(linkDetailSchema)) },
  routes: {
    /** The ways to all members, or to one. */
    list: reads('viewer')
      .input(z.strictObject({ node: nodeRefSchema.nullable() }))
      .output(listOf(routeSchema)),
    /** The way to a node and the way back, link by link. Sends nothing: it reads what is measured and advertised. */
    trace: reads('viewer')
      .input(z.strictObject({ node: nodeRefSchema }))
      .output(traceResultSchema),
  },
  topology: {
    /** The mesh as this node knows it: its members and the links between them. */
    show: reads('viewer').output(topologySchema),
    ...topologyHistory,
  },
  series: seriesOperations,
  slo: sloOperations,
  invites: {
    create: changesMesh('admin')
      .input(
        z.strictObject({
          role: roleSchema,
          expiresMs: z.number().int().min(INVITE_MIN_MS).max(INVITE_MAX_MS),
          approve: z.boolean(),
        }),
      )
      .output(inviteResultSchema),
  },
  joins: {
    list: reads('viewer').output(listOf(joinSchema)),
    approve: changesMesh('admin')
      .input(z.strictObject({ id: joinIdSchema }))
      .output(documentOf({ join: joinSchema })),
    reject: changesMesh('admin')
      .input(z.strictObject({ id: joinIdSchema }))
      .output(documentOf({ join: joinSchema })),
  },
  incidents,
  alerts: alertOperations,
  metrics: metricOperations,
  log: logOperations,
  policy: policyOperations,
  audit: auditOperations,
  heal: healOperations,
  plans: planOperations,
  playbooks: playbookOperations,
  services: {
    list: reads('viewer').output(listOf(serviceSchema)),
    expose: changesNode('operator')
      .input(z.strictObject({ name: serviceNameSchema, target: targetSchema, check: checkSchema.nullable() }))
      .output(documentOf({ service: serviceSchema })),
    unexpose: changesNode('operator')
      .input(z.strictObject({ name: serviceNameSchema }))
      .output(documentOf({ name: serviceNameSchema })),
  },
  forwards: {
    list: reads('viewer').output(listOf(forwardSchema)),
    /** Port 0 lets the system choose one; the answer says which. */
    add: changesNode('operator')
      .input(
        z.strictObject({
          port: z.union([z.literal(0), portSchema]),
          service: serviceNameSchema,
          node: nodeRefSchema.nullable(),
        }),
      )
      .output(documentOf({ forward: forwardSchema })),
    remove: changesNode('operator')
      .input(z.strictObject({ port: portSchema }))
      .output(documentOf({ port: portSchema, service: serviceNameSchema })),
  },
  socks: {
    list: reads('viewer').output(listOf(socksSchema)),
    /** Port 0 lets the system choose one; the answer says which. */
    add: changesNode('operator')
      .input(z.strictObject({ port: z.union([z.literal(0), portSchema]) }))
      .output(documentOf({ socks: socksSchema })),
    remove: changesNode('operator')
      .input(z.strictObject({ port: portSchema }))
      .output(documentOf({ port: portSchema })),
  },
  events: {
    /**
     * Follows topics: a snapshot of each, then numbered changes. A reader that cannot keep up gets changes put
     * together, or a snapshot again; see topic-view.ts.
     */
    subscribe: reads('viewer').input(subscribeInputSchema).output(eventIterator(nodeEventSchema)),
  },
  setup: setupOperations,
  config: configOperations,
  console: consoleOperations,
}

export type Contract = typeof contract
/** What a caller gets. */
export type ContractOutputs = InferContractRouterOutputs<Contract>

/** What a schema makes of the text that it accepts; the input of the one that describes an answer is what may be given. */
type Made<S> = S extends z.ZodType ? z.output<S> : undefined
type Given<S> = S extends z.ZodType ? z.input<S> : undefined
type InputSchemaOf<P> = P extends { '~orpc': { inputSchema?: infer S } } ? S : undefined
type OutputSchemaOf<P> = P extends { '~orpc': { outputSchema?: infer S } } ? S : undefined

/** What the one who serves an operation gets: the input as parsed, or undefined where there is none. */
export type ServedInput<P> = Made<InputSchemaOf<P>>
/** What the one who serves an operation answers. */
export type ServedOutput<P> = Given<OutputSchemaOf<P>>
