import { contract } from '../../contract/contract.ts'
import type { Caller, CallOptions, NodeApi } from '../../control/node-api.ts'
import type { AuditActor } from '../../domain/audit.ts'
import { type PeerId, type PlanId, parseIncidentId, parsePlanId } from '../../domain/ids.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { currentUserName } from '../../platform/user.ts'
import type { SpanLine } from '../telemetry/span-line.ts'
import type { AuditLog, BegunEntry, ChangeEnd } from './audit-log.ts'
import { auditText } from './audit-text.ts'
import { SNAPSHOTS } from './snapshots.ts'

/** What an entry says besides the call. */
export interface AuditSurroundings {
  readonly logger: Logger
  readonly spans: Pick<SpanLine, 'measure'>
  /** A look at what an operation is about to change; nothing where there is none. */
  lookAt(operation: string, input: Readonly<Record<string, unknown>>): (() => unknown) | undefined
  nameOf(peer: PeerId): string | undefined
  incidentOf(plan: PlanId): string | undefined
}

type Call = (...args: readonly unknown[]) => Promise<unknown>

interface Change {
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  readonly caller: Caller
}

/** Stopping a node and pausing its loop must work with a full disk too. */
const WITHOUT_FAIL: ReadonlySet<string> = new Set(['node.down', 'node.leave', 'heal.pause'])

/** The operations that change something, as the contract says: `[group, name, takes an input]`. */
export const changingOperations: readonly (readonly [string, string, boolean])[] = Object.entries(
  contract,
).flatMap(([group, operations]) =>
  Object.entries(operations).flatMap(([name, procedure]) => {
    const { meta, inputSchema } = procedure['~orpc']
    return meta.effect === 'change' ? [[group, name, inputSchema !== undefined] as const] : []
  }),
)

/**
 * The API of a node with an entry in its log for each change, whoever asks for it and however. What cannot be written
 * down does not begin.
 */
export function auditedApi(api: NodeApi, around: AuditSurroundings, log: AuditLog): NodeApi {
  // The contract names the groups and operations, so the types are those of `api`; walking it is what loses them.
  const groups = { ...api } as unknown as Record<string, Record<string, Call>>
  for (const [group, name, hasInput] of changingOperations) {
    const inner = groups[group]?.[name]
    if (inner === undefined) continue
    const operation = `${group}.${name}`
    const outer: Call = (...args) => {
      const options = args[hasInput ? 1 : 0] as CallOptions
      const input = (hasInput ? args[0] : {}) as Change['input']
      return audited(around, log, { operation, input, caller: options.caller }, () => inner(...args))
    }
    groups[group] = { ...groups[group], [name]: outer }
  }
  return groups as unknown as NodeApi
}

async function audited(
  around: AuditSurroundings,
  log: AuditLog,
  change: Change,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { operation, input } = change
  const snapshot = SNAPSHOTS[operation] ?? {}
  const look = quietly(() => around.lookAt(operation, input))
  const before = auditText(look && quietly(look))
  const correlation = correlationOf(around, log, input)
  const begun = begin(around, log, { ...change, correlation }, before)
  const attributes = () => ({
    ...{ 'x0t.operation': operation, 'x0t.correlation_id': correlation, 'x0t.via': change.caller.via },
  })
  try {
    const answer = await around.spans.measure('x0t.operation', attributes, work)
    const told = quietly(() => snapshot.after?.(answer as Change['input']))
    begun.end({ after: auditText(told ?? (look && quietly(look))), outcome: 'done', detail: null })
    return answer
  } catch (error) {
    const detail = error instanceof FaultError ? error.code : messageOf(error).slice(0, 200)
    begun.end({ after: auditText(look && quietly(look)), outcome: 'failed', detail })
    throw error
  }
}

function begin(
  around: AuditSurroundings,
  log: AuditLog,
  { operation, input, caller, correlation }: Change & { readonly correlation: string },
  before: string | null,
): BegunEntry {
  try {
    return log.begin({
      ...{ actor: actorOf(around, caller), role: caller.role, operation },
      ...{ correlation, input: auditText(input), before },
    })
  } catch (error) {
    if (!WITHOUT_FAIL.has(operation)) throw error
    around.logger.error('a change is made that cannot be entered', { operation, error: messageOf(error) })
    return { end: (_end: ChangeEnd) => {}, abandon: () => {} }
  }
}

/** What a change looks like must never keep it from being made. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

function actorOf(around: AuditSurroundings, caller: Caller): AuditActor {
  switch (caller.via) {
    case 'local-socket':
      // The socket is open to one user of the system alone: the one whose node this is.
      return { kind: 'person', name: currentUserName(), via: caller.via, peer: null }
    case 'web':
      return { kind: 'person', name: caller.session, via: caller.via, peer: null }
    case 'mesh': {
      const name = around.nameOf(caller.peer) ?? ''
      return { kind: 'member', name, via: caller.via, peer: caller.peer }
    }
  }
}

/** What is about an incident belongs to all that was ever done about it. */
function correlationOf(around: AuditSurroundings, log: AuditLog, { id }: Change['input']): string {
  const raw = typeof id === 'string' ? id : ''
  const planId = parsePlanId(raw)
  const incident = parseIncidentId(raw) ?? (planId && quietly(() => around.incidentOf(planId)))
  return incident ?? log.newCorrelation()
}
