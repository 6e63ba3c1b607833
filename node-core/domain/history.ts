import type { IncidentId, PlanId } from './ids.ts'
import type { PlaybookMode } from './plan.ts'

/** What is written about a step before and after it is done. `skipped`: nothing had to be done. */
export const JOURNAL_PHASES = ['intent', 'started', 'done', 'failed', 'skipped', 'compensated'] as const
export type JournalPhase = (typeof JOURNAL_PHASES)[number]

/** One line of the step journal. */
export interface JournalEntry {
  readonly planId: PlanId
  readonly stepId: string
  /** Names the effect: an action that was done under this key is not done again. */
  readonly idempotencyKey: string
  /** From 1. */
  readonly attempt: number
  readonly phase: JournalPhase
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** What was changed, or why it failed, in words. */
  readonly detail: string
}

/** What became of one verified execution: what the ranking of playbooks learns from. */
export interface Outcome {
  readonly at: number
  readonly plan: PlanId
  readonly incident: IncidentId
  readonly playbook: string
  readonly playbookVersion: number
  /** The incident's code. */
  readonly code: string
  /** What the incident looked like, for finding similar ones. */
  readonly features: readonly number[]
  readonly succeeded: boolean
  readonly durationMs: number
}

/** What people have set for a playbook, over what its file says. */
export interface PlaybookSetting {
  readonly playbook: string
  readonly enabled: boolean
  /** In place of the file's. */
  readonly mode: PlaybookMode | undefined
  readonly changedBy: string
  readonly changedAt: number
}

/** What is usual for a series, as its detector encodes it. */
export interface Baseline {
  readonly series: string
  readonly updatedAt: number
  readonly state: string
}
