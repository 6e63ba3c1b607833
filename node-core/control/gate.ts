import type { OperationMeta } from '../contract/operation.ts'
import { nodeRefSchema } from '../contract/schemas.ts'
import type { Role } from '../domain/role.ts'
import { roleAtLeast } from '../domain/role.ts'
import { FaultError } from '../platform/error.ts'
import type { Logger } from '../platform/logger.ts'
import type { ActionVerdict } from '../security/remote-action.ts'
import { forbidden } from './contract-error.ts'
import type { Caller } from './node-api.ts'

/** What a transport establishes before it hands a call to the router. */
export interface CallContext {
  readonly caller: Caller
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal
  /** One header of the call, by its name in lower case. */
  header?(name: string): string | undefined
  /** For a caller of another node: whether what it signed is for this very call. */
  judgeAction?(action: Uint8Array, operation: string, input: unknown): ActionVerdict
}

export type GateFault =
  | { code: 'LOCAL_ONLY'; operation: string }
  | { code: 'ACTION_REFUSED'; verdict: ActionVerdict | 'unsigned' }
  | { code: 'NO_RELAY' }

/** In the headers of a call: which member is meant, by name or peer id. */
export const NODE_HEADER = 'x0t-node'
/** In the headers of a change that is asked of another member: base64 of a signed RemoteAction. */
export const ACTION_HEADER = 'x0t-action'

/**
 * What no member may ask of another, whatever its role: what opens a door on that machine, and what would hand out its
 * keys.
 */
const LOCAL_ONLY = /^(?:setup\.|console\.|config\.export$|node\.leave$)/

/** The role that falls short, or undefined when the call is allowed. */
export function roleThatFallsShort(meta: OperationMeta, caller: Role, certificate: Role): Role | undefined {
  if (!roleAtLeast(caller, meta.role)) return caller
  if (meta.scope === 'mesh' && !roleAtLeast(certificate, meta.role)) return certificate
  return undefined
}

export interface GatedCall {
  readonly operation: string
  readonly meta: OperationMeta
  readonly context: CallContext
  readonly input: unknown
  /** In this node's certificate. */
  readonly certificate: Role
}

/**
 * Whether a call may go on, and where to: to this node, or to the member that it names. The roles come first, before
 * anything of the call is looked at.
 *
 * @throws ORPCError FORBIDDEN; FaultError LOCAL_ONLY, ACTION_REFUSED, NO_RELAY
 */
export function judgeCall(call: GatedCall, logger: Logger): { readonly node: string | undefined } {
  const { operation, meta, context, certificate } = call
  const named = context.header?.(NODE_HEADER)
  // The other node judges by the certificate of this one what acts on the mesh, and this one by its caller's role.
  const short = roleThatFallsShort(meta, context.caller.role, named === undefined ? certificate : 'owner')
  if (short !== undefined) {
    logger.warn('a call was refused', { operation, needs: meta.role, scope: meta.scope, has: short })
    throw forbidden(operation, meta, short)
  }
  if (named !== undefined || context.caller.via === 'mesh') refuseLocalOnly(operation)
  if (context.caller.via === 'mesh') {
    if (named !== undefined) throw noRelay()
    requireAction(call, logger)
  }
  return { node: named === undefined ? undefined : requireRef(named) }
}

/** What a caller of another node signed for its call. The gate has judged it before anybody else sees it. */
export function actionOf({ caller, header }: CallContext): { readonly action?: Uint8Array } {
  const sent = caller.via === 'mesh' ? header?.(ACTION_HEADER) : undefined
  return sent === undefined ? {} : { action: new Uint8Array(Buffer.from(sent, 'base64')) }
}

function requireAction({ operation, meta, context, input }: GatedCall, logger: Logger): void {
  if (meta.effect === 'read') return
  const { action: bytes } = actionOf(context)
  const verdict =
    bytes === undefined ? 'unsigned' : (context.judgeAction?.(bytes, operation, input) ?? 'unsigned')
  if (verdict === 'valid') return
  logger.warn('a change that another node asked for was refused', { operation, verdict })
  throw new FaultError<GateFault>(
    { code: 'ACTION_REFUSED', verdict },
    `${operation} was asked for by another node, and what it signed is not for this call: ${verdict}`,
    { hint: 'Try again; if it stays so, compare the clocks of both nodes: x0t netcheck.' },
  )
}

function refuseLocalOnly(operation: string): void {
  if (!LOCAL_ONLY.test(operation)) return
  throw new FaultError<GateFault>(
    { code: 'LOCAL_ONLY', operation },
    `${operation} can only be asked for on the machine itself`,
    { hint: 'Run it there.' },
  )
}

const noRelay = (): FaultError<GateFault> =>
  new FaultError<GateFault>({ code: 'NO_RELAY' }, 'a node passes no call of another one on', {
    hint: 'Ask the node that is meant.',
  })

function requireRef(named: string): string {
  const ref = nodeRefSchema.safeParse(named)
  if (ref.success) return ref.data
  throw new FaultError({ code: 'UNKNOWN_NODE' }, 'that is not the name of a node', { hint: 'See x0t peers.' })
}
