import type { JournalPhase, JournalEntry as StoredEntry } from '../../domain/history.ts'
import type { Knowledge } from '../../knowledge/knowledge.ts'
import type { JournalEntry, JournalKind, PlanStore, StepJournal } from '../../mapek/execute/ports.ts'

const MAX_UNFINISHED = 1_000
const UNDO = '/undo'

export const createPlanStore = ({ plans }: Pick<Knowledge, 'plans'>): PlanStore => ({
  save: (plan) => plans.save(plan),
  get: (id) => plans.get(id),
  unfinished: () => plans.unfinished(MAX_UNFINISHED),
  recent: (limit) => plans.recent(limit),
})

/** The undoing of a step is kept as a step of its own, `away/undo`, whose end is `compensated`. */
const PHASES: Readonly<Record<JournalKind, JournalPhase>> = {
  intent: 'intent',
  started: 'started',
  done: 'done',
  failed: 'failed',
  'undo-intent': 'intent',
  'undo-started': 'started',
  undone: 'compensated',
  'undo-failed': 'failed',
}

function kindOf({ stepId, phase }: StoredEntry): JournalKind {
  if (!stepId.endsWith(UNDO))
    return phase === 'skipped' ? 'failed' : phase === 'compensated' ? 'undone' : phase
  switch (phase) {
    case 'intent':
      return 'undo-intent'
    case 'started':
      return 'undo-started'
    case 'failed':
    case 'skipped':
      return 'undo-failed'
    case 'done':
    case 'compensated':
      return 'undone'
  }
}

export const createStepJournal = ({ journal }: Pick<Knowledge, 'journal'>): StepJournal => ({
  append({ plan, step, kind, attempt, at, key, text }) {
    const isUndo = kind.startsWith('und')
    journal.append({
      ...{ planId: plan, stepId: isUndo ? `${step}${UNDO}` : step, phase: PHASES[kind] },
      ...{ idempotencyKey: key, attempt, at, detail: text },
    })
  },
  of: (plan) =>
    journal.ofPlan(plan).map((entry): JournalEntry => {
      const { stepId, attempt, at, idempotencyKey, detail } = entry
      const step = stepId.endsWith(UNDO) ? stepId.slice(0, -UNDO.length) : stepId
      return { plan, step, kind: kindOf(entry), attempt, at, key: idempotencyKey, text: detail }
    }),
})
