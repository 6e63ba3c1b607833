import { JOURNAL_PHASES, type JournalEntry } from '../../domain/history.ts'
import { type IncidentId, type PlanId, parsePlanId } from '../../domain/ids.ts'
import type { Plan, PlanVote } from '../../domain/plan.ts'
import { decodeDocument, encodeDocument, planDocument } from '../documents.ts'
import { orNull, orUndefined, parsed, type Sql } from '../sql.ts'

export interface PlanRepository {
  /** Writes it, in place of an earlier version. */
  save(plan: Plan): void
  get(id: PlanId): Plan | undefined
  /** In the order in which they were made. */
  ofIncident(incident: IncidentId): readonly Plan[]
  /** Those that have not ended, the oldest first: what a node that starts has to resume or to roll back. */
  unfinished(limit: number): readonly Plan[]
  /** All, the newest first; `before` leaves out what was made then or later. */
  recent(limit: number, before?: number): readonly Plan[]
}

/** Only ever grows, but for plans that are forgotten as a whole. */
export interface JournalRepository {
  /** Durable when it returns. */
  append(entry: JournalEntry): void
  /** In the order in which they were written. */
  ofPlan(plan: PlanId): readonly JournalEntry[]
  /** The last line about one effect: whether it was begun, and how it ended. */
  last(idempotencyKey: string): JournalEntry | undefined
}

export interface VoteRepository {
  /** Counts a vote. A voter has one vote for a plan, which stands: a second one is refused, false. */
  cast(plan: PlanId, vote: PlanVote): boolean
  /** In the order in which they were cast. */
  ofPlan(plan: PlanId): readonly PlanVote[]
}

type DocumentRow = { readonly document: string }

export function createPlans(sql: Sql): PlanRepository {
  const upsert = sql.command(`
    INSERT INTO plans (id, incident, playbook, state, created_at, ended_at, document) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET incident = excluded.incident, playbook = excluded.playbook, state = excluded.state,
      created_at = excluded.created_at, ended_at = excluded.ended_at, document = excluded.document`)
  const select = sql.query<DocumentRow>('SELECT document FROM plans WHERE id = ?')
  const ofIncident = sql.query<DocumentRow>(
    'SELECT document FROM plans WHERE incident = ? ORDER BY created_at, rowid',
  )
  const unfinished = sql.query<DocumentRow>(
    'SELECT document FROM plans WHERE ended_at IS NULL ORDER BY created_at LIMIT ?',
  )
  const recent = sql.query<DocumentRow>(
    'SELECT document FROM plans WHERE created_at < ? ORDER BY created_at DESC LIMIT ?',
  )
  const read = (row: DocumentRow): Plan => decodeDocument(sql, row.document, planDocument, 'plan')
  return {
    save(plan) {
      const { id, incident, playbook, state, createdAt, endedAt } = plan
      upsert(id, incident, playbook, state, createdAt, orNull(endedAt), encodeDocument(plan))
    },
    get(id) {
      const row = select.get(id)
      return row && read(row)
    },
    ofIncident: (incident) => ofIncident.all(incident).map(read),
    unfinished: (limit) => unfinished.all(limit).map(read),
    recent: (limit, before = Number.MAX_SAFE_INTEGER) => recent.all(before, limit).map(read),
  }
}

type JournalRow = {
  readonly plan: string
  readonly step: string
  readonly key: string
  readonly attempt: number
  readonly phase: string
  readonly at: number
  readonly detail: string
}

const SELECT_JOURNAL =
  'SELECT plan, step, idempotency_key AS "key", attempt, phase, at, detail FROM step_journal'

export function createJournal(sql: Sql): JournalRepository {
  const insert = sql.command(`
    INSERT INTO step_journal (plan, step, idempotency_key, attempt, phase, at, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`)
  const ofPlan = sql.query<JournalRow>(`${SELECT_JOURNAL} WHERE plan = ? ORDER BY seq`)
  const last = sql.query<JournalRow>(`${SELECT_JOURNAL} WHERE idempotency_key = ? ORDER BY seq DESC LIMIT 1`)
  const read = (row: JournalRow): JournalEntry => ({
    planId: parsed(sql, row.plan, parsePlanId, 'plan id'),
    stepId: row.step,
    idempotencyKey: row.key,
    attempt: row.attempt,
    phase: parsed(sql, row.phase, (raw) => JOURNAL_PHASES.find((phase) => phase === raw), 'phase of a step'),
    at: row.at,
    detail: row.detail,
  })
  return {
    append: ({ planId, stepId, idempotencyKey, attempt, phase, at, detail }) =>
      void insert(planId, stepId, idempotencyKey, attempt, phase, at, detail),
    ofPlan: (plan) => ofPlan.all(plan).map(read),
    last(key) {
      const row = last.get(key)
      return row && read(row)
    },
  }
}

export function createVotes(sql: Sql): VoteRepository {
  type Row = { voter: string; verdict: string; at: number; comment: string | null }
  const insert = sql.command(`
    INSERT INTO plan_votes (plan, voter, verdict, at, comment) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (plan, voter) DO NOTHING`)
  const select = sql.query<Row>(
    'SELECT voter, verdict, at, comment FROM plan_votes WHERE plan = ? ORDER BY at, rowid',
  )
  const parseVerdict = (raw: string): PlanVote['verdict'] | undefined =>
    raw === 'approve' || raw === 'reject' ? raw : undefined
  return {
    cast: (plan, { by, verdict, at, comment }) => insert(plan, by, verdict, at, orNull(comment)) > 0,
    ofPlan: (plan) =>
      select.all(plan).map((row) => ({
        by: row.voter,
        verdict: parsed(sql, row.verdict, parseVerdict, 'vote'),
        at: row.at,
        comment: orUndefined(row.comment),
      })),
  }
}
