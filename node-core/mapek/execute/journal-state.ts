import type { PlanStep, StepState } from '../../domain/plan.ts'
import type { JournalEntry, JournalKind } from './ports.ts'

/** What the journal says of one step, which alone counts after a crash. */
export interface StepProgress {
  readonly state: StepState
  /** It was begun, and nobody wrote how it ended. */
  readonly isUncertain: boolean
  /** Its compensation was begun: it is to be finished, whatever else is decided. */
  readonly isUndoing: boolean
  readonly attempts: number
}

const STATES: Readonly<Record<JournalKind, StepState>> = {
  intent: 'pending',
  started: 'started',
  done: 'done',
  failed: 'failed',
  'undo-intent': 'done',
  'undo-started': 'done',
  undone: 'compensated',
  'undo-failed': 'failed',
}

export function progressOf(step: string, journal: readonly JournalEntry[]): StepProgress {
  const entries = journal.filter((entry) => entry.step === step)
  const last = entries.at(-1)
  const attempts = Math.max(0, ...entries.map(({ attempt }) => attempt))
  if (last === undefined) return { state: 'pending', isUncertain: false, isUndoing: false, attempts: 0 }
  return {
    state: STATES[last.kind],
    // Also when a process that went on with it died before it began anew.
    isUncertain:
      entries.findLastIndex(({ kind }) => kind === 'started') >
      entries.findLastIndex(({ kind }) => kind === 'done' || kind === 'failed'),
    isUndoing: last.kind === 'undo-intent' || last.kind === 'undo-started',
    attempts,
  }
}

/** The steps as the journal knows them: the row of the plan may be one write behind. */
export function stepsFromJournal(
  steps: readonly PlanStep[],
  journal: readonly JournalEntry[],
): readonly PlanStep[] {
  return steps.map((step) => {
    const { state } = progressOf(step.id, journal)
    const last = journal.findLast((entry) => entry.step === step.id)
    if (last === undefined) return step
    const isOver = state === 'done' || state === 'failed' || state === 'compensated'
    return {
      ...step,
      state,
      startedAt: journal.find((entry) => entry.step === step.id && entry.kind === 'started')?.at,
      endedAt: isOver ? last.at : undefined,
      outcome: isOver ? last.text : undefined,
    }
  })
}
