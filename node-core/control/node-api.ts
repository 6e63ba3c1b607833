import type { Contract, ServedInput, ServedOutput } from '../contract/contract.ts'
import type { NodeEvent, Topic } from '../contract/events-schemas.ts'
import type { PeerId } from '../domain/ids.ts'
import type { Role } from '../domain/role.ts'

/** Who calls, as the transport has established. */
export type Caller = {
  /** The caller's role at this node. */
  readonly role: Role
} & (
  | { readonly via: 'local-socket' }
  | { readonly via: 'web'; readonly session: string }
  | { readonly via: 'mesh'; readonly peer: PeerId }
)

export interface CallOptions {
  readonly caller: Caller
  /** Of a change that another member asked for: what it signed for this very call, for whoever has to show it on. */
  readonly action?: Uint8Array
  /** Aborts when the caller has gone, when the time for the operation is over, and when the server stops. */
  readonly signal: AbortSignal
}

/** An operation answers with its document; the router puts the schema version on it. */
type Answer<T> = T extends unknown ? Omit<T, 'schema'> : never

type Operation<I, O> = I extends undefined
  ? (options: CallOptions) => Promise<Answer<O>>
  : (input: I, options: CallOptions) => Promise<Answer<O>>

type Operations = {
  readonly [Group in Exclude<keyof Contract, 'events'>]: {
    readonly [Name in keyof Contract[Group]]: Operation<
      ServedInput<Contract[Group][Name]>,
      ServedOutput<Contract[Group][Name]>
    >
  }
}

/**
 * What the composed node offers to whoever serves the contract. Inputs are parsed and the caller's role is checked
 * before a call gets here. A refusal is a FaultError: its code, message and hint reach the caller, its cause does not.
 *
 * `node.down` and `node.leave` answer first and stop the node after: they must return while the control server still
 * runs, and `stop()` of the server lets their answer out.
 */
export interface NodeApi extends Operations {
  readonly events: {
    /** Ends when the signal aborts, which no time limit does. */
    subscribe(
      input: { readonly topics: readonly Topic[] },
      options: CallOptions,
    ): AsyncGenerator<NodeEvent, void, void>
  }
  /** The role in this node's own certificate: what mesh-wide operations are judged by. */
  certificateRole(): Role
}
