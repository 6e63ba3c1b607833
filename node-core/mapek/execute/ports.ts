import type { IncidentId, PeerId, PlanId } from '../../domain/ids.ts'
import type { Plan, StepAction, StepArgs } from '../../domain/plan.ts'
import type { Subject } from '../../domain/subject.ts'

/** Where plans outlive the process. Each call may throw when the store is at fault: then nothing is begun. */
export interface PlanStore {
  /** Writes it, in place of an earlier version. Durable when it returns. */
  save(plan: Plan): void
  get(id: PlanId): Plan | undefined
  /** Those that are not over, the oldest first. */
  unfinished(): readonly Plan[]
  /** The newest first. */
  recent(limit: number): readonly Plan[]
}

export const JOURNAL_KINDS = [
  'intent',
  'started',
  'done',
  'failed',
  'undo-intent',
  'undo-started',
  'undone',
  'undo-failed',
] as const
export type JournalKind = (typeof JOURNAL_KINDS)[number]

/** One line of the step journal. It is written before what it speaks of begins, and after it has ended. */
export interface JournalEntry {
  readonly plan: PlanId
  readonly step: string
  readonly kind: JournalKind
  /** From 1. */
  readonly attempt: number
  readonly at: number
  /** The same for each attempt at one step: whoever does it does it once. */
  readonly key: string
  readonly text: string
}

export interface StepJournal {
  /** Durable when it returns. */
  append(entry: JournalEntry): void
  /** In the order in which it was written. */
  of(plan: PlanId): readonly JournalEntry[]
}

/** What one step asks of one node. */
export interface ActionOrder {
  readonly plan: PlanId
  readonly incident: IncidentId
  readonly step: string
  readonly action: StepAction
  readonly subject: Subject
  readonly target: PeerId
  readonly args: StepArgs
  readonly key: string
  /** It may have been done before a crash: that it is in force already is then no failure. */
  readonly isResumed: boolean
}

/** What an action has done. One that changed nothing has failed. */
export interface ActionReport {
  readonly changed: boolean
  /** What it changed, or why there was nothing to change, in words. */
  readonly text: string
}

export interface Actuators {
  /** @throws whatever kept it from being done */
  perform(order: ActionOrder, signal: AbortSignal): Promise<ActionReport>
}
