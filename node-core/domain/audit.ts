/**
 * Who changed something: a person at the local socket or in a browser, another member over the mesh, the loop that
 * repairs, the authority (what it signed took effect here), or the node by itself.
 */
export const AUDIT_ACTOR_KINDS = ['person', 'member', 'loop', 'authority', 'node'] as const
export type AuditActorKind = (typeof AUDIT_ACTOR_KINDS)[number]

/** `interrupted`: it was begun, and the node ended before it could say how it went. */
export const AUDIT_OUTCOMES = ['done', 'failed', 'interrupted'] as const
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

export interface AuditActor {
  readonly kind: AuditActorKind
  /** A name of a node, or the id of a browser's session. */
  readonly name: string
  /** `local-socket`, `web`, `mesh`, or how else it came. */
  readonly via: string
  /** Of a member, or of the node whose loop it was. */
  readonly peer: string | null
}

/** One change, as it is before it has a place in the log. Texts that hold JSON are null where there is nothing to say. */
export interface AuditChange {
  /** Ms since the Unix epoch. */
  readonly at: number
  readonly actor: AuditActor
  /** With which it was allowed; `none` where no role was asked for. */
  readonly role: string
  /** Of the contract, `members.revoke`; `action.redial` of the loop; `audit.cut` and the like of the log itself. */
  readonly operation: string
  /** Runs through all that belongs together: an incident's id, or `cor-...` for a change of its own. */
  readonly correlation: string
  readonly input: string | null
  readonly before: string | null
  readonly after: string | null
  readonly outcome: AuditOutcome
  /** The code of the fault, or what the action said. */
  readonly detail: string | null
}

/** What can be wrong with a log. */
export const AUDIT_FINDING_KINDS = [
  /** An entry is not what was signed, or cannot be read. */
  'changed',
  /** Entries are not there, and no entry says that they were forgotten in good order. */
  'removed',
  /** An entry stands where another one belongs. */
  'reordered',
  /** The newest entries are not there. */
  'truncated',
  /** Entries that no signature covers. */
  'unsigned',
  /** The signature over the end is not there or not of this node. */
  'head',
  /** The node's own key signed something else than what others hold. */
  'rewritten',
  /** Entries were forgotten long before their time. */
  'cut-early',
  /** Entries that others hold the heads of were lost when the home was restored. */
  'restored',
] as const
export type AuditFindingKind = (typeof AUDIT_FINDING_KINDS)[number]

/** One thing that is wrong, with the numbers of the entries that it is about. */
export interface AuditFinding {
  readonly kind: AuditFindingKind
  readonly from: number
  readonly to: number
  readonly text: string
}
