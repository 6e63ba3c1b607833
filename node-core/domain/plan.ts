import type { IncidentId, PeerId, PlanId } from './ids.ts'
import { type Subject, subjectKey } from './subject.ts'

export const PLAYBOOK_MODES = ['observe', 'ask', 'auto'] as const
export type PlaybookMode = (typeof PLAYBOOK_MODES)[number]

export const RISKS = ['low', 'medium', 'high'] as const
export type Risk = (typeof RISKS)[number]

/** What a step may do. Each reports what it changed; one that changed nothing has failed. */
export const STEP_ACTIONS = [
  'redial',
  'reroute',
  'release-route',
  'promote-standby',
  'restart-forward',
  'restart-session',
  'switch-provider',
  'resync-membership',
  'renew-certificate',
  'rotate-session-keys',
  'quarantine-peer',
  'release-peer',
  'drain-node',
  'undrain-node',
  'throttle-probes',
  'run-command',
  'notify',
  'wait',
] as const
export type StepAction = (typeof STEP_ACTIONS)[number]

export const STEP_STATES = [
  'pending',
  'intent',
  'started',
  'done',
  'failed',
  'skipped',
  'compensated',
] as const
export type StepState = (typeof STEP_STATES)[number]

export type StepArgs = Readonly<Record<string, string | number | boolean>>

export interface PlanStep {
  /** Unique in its plan. */
  readonly id: string
  readonly action: StepAction
  readonly subject: Subject
  /** The node that does it. */
  readonly target: PeerId
  readonly args: StepArgs
  /** Its failure does not fail the plan: it helps, and the others do without it. */
  readonly optional: boolean
  /** Steps that must be done first: the plan is a DAG. */
  readonly after: readonly string[]
  readonly timeoutMs: number
  readonly attempts: number
  /** Undone by this when a later step fails. */
  readonly compensation: { readonly action: StepAction; readonly args: StepArgs } | undefined
  readonly state: StepState
  readonly startedAt: number | undefined
  readonly endedAt: number | undefined
  /** What it changed, or why it failed, in words. */
  readonly outcome: string | undefined
}

export const PLAN_STATES = [
  'proposed',
  'waiting',
  'approved',
  'running',
  'verifying',
  'succeeded',
  'failed',
  'rolled-back',
  'rejected',
  'expired',
  'withheld',
] as const
/** `waiting`: for a person. `expired`: nobody answered, which denies. `withheld`: a guard forbids it now. */
export type PlanState = (typeof PLAN_STATES)[number]

export interface PlanCandidate {
  readonly playbook: string
  readonly version: number
  /** 0 to 1, drawn or learned; the reasons say which. */
  readonly score: number
  readonly reasons: readonly string[]
  readonly chosen: boolean
}

export interface Plan {
  readonly id: PlanId
  readonly incident: IncidentId
  readonly playbook: string
  readonly playbookVersion: number
  readonly mode: PlaybookMode
  readonly risk: Risk
  /** How many nodes its steps touch. */
  readonly blastRadius: number
  readonly candidates: readonly PlanCandidate[]
  readonly state: PlanState
  /** Why it is in this state, in words. */
  readonly reason: string
  readonly steps: readonly PlanStep[]
  readonly createdAt: number
  readonly endedAt: number | undefined
  /** A person has until then; nobody answering denies. */
  readonly approvalExpiresAt: number | undefined
  readonly approvals: readonly PlanVote[]
  readonly verification: Verification | undefined
}

export interface PlanVote {
  /** The name and the PeerId of the certificate that it counts for. Each counts once. */
  readonly by: string
  readonly verdict: 'approve' | 'reject'
  readonly at: number
  readonly comment: string | undefined
  /** Undefined for a no, and for a yes whose giver has not said what for: it counts where the plan was made, and nowhere else. */
  readonly proof?: VoteProof | undefined
}

/** What shows others that a person agreed: the call that the approver's own key signed, and what it was signed over. */
export interface VoteProof {
  readonly approver: PeerId
  /** The signed `plans.approve`, base64. */
  readonly action: string
  /** What was agreed to, in the order in which it was sent: see `statementOf`. */
  readonly steps: readonly string[]
}

/** What a step does to whom and where, in one line: what a person who approves a plan signs. */
export function statementOf({
  action,
  subject,
  target,
  args,
}: Pick<PlanStep, 'action' | 'subject' | 'target' | 'args'>): string {
  const given = Object.entries(args)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [action, 'of', subjectKey(subject), 'at', target, ...given].join(' ')
}

/** What was broken, measured again, from both ends where that is possible. */
export interface Verification {
  readonly at: number
  readonly passed: boolean
  readonly checks: readonly { readonly text: string; readonly passed: boolean; readonly from: string }[]
}

export const isPlanOver = (state: PlanState): boolean =>
  !['proposed', 'waiting', 'approved', 'running', 'verifying', 'withheld'].includes(state)
