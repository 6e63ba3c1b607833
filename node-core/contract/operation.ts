import { oc } from '@orpc/contract'
import type { Role } from '../domain/role.ts'
import { contractErrors } from './errors.ts'

/** What an operation asks of its caller. */
export interface OperationMeta {
  /** The least role that may call it. */
  readonly role: Role
  /**
   * `node`: it acts on this node alone, so the caller's role at this node counts (whoever may open the local socket is
   * its owner). `mesh`: it acts on all members, so the role in this node's certificate has to allow it as well.
   */
  readonly scope: 'node' | 'mesh'
  /** A read changes nothing and leaves no trace. */
  readonly effect: 'read' | 'change'
}

/** Least restrictive by mistake is worse than too strict: an operation that forgets to say what it needs needs an owner. */
const base = oc
  .$meta<OperationMeta>({ role: 'owner', scope: 'mesh', effect: 'change' })
  .errors(contractErrors)

export const reads = (role: Role) => base.meta({ role, scope: 'node', effect: 'read' })
export const changesNode = (role: Role) => base.meta({ role, scope: 'node', effect: 'change' })
export const changesMesh = (role: Role) => base.meta({ role, scope: 'mesh', effect: 'change' })
