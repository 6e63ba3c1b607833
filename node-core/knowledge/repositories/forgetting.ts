import type { Sql } from '../sql.ts'

/** How long, and how much at most, of what the loop knows is kept. What is not over yet stays. */
const LIMITS = {
  symptomDays: 30,
  maxSymptoms: 50_000,
  incidentDays: 365,
  maxIncidents: 10_000,
  planDays: 365,
  maxPlans: 20_000,
} as const

const DAY_MS = 86_400_000
/** A commit of this many rows takes a few milliseconds: the process waits for it. */
const SLICE = 200

/** Forgets what is too old or too much, a slice in each call. Tells whether a full slice was there, and so maybe more. */
export type Forget = (nowMs: number) => boolean

export function createForgetting(sql: Sql): Forget {
  const symptoms = sql.command(`
    DELETE FROM symptoms WHERE (code, subject, first_seen_at) IN (
      SELECT code, subject, first_seen_at FROM symptoms
      WHERE last_seen_at < max(?, ifnull((SELECT last_seen_at FROM symptoms ORDER BY last_seen_at DESC LIMIT 1 OFFSET ?), 0))
      ORDER BY last_seen_at LIMIT ?)`)
  const incidents = sql.command(`
    DELETE FROM incidents WHERE id IN (
      SELECT id FROM incidents WHERE state = 'resolved'
        AND opened_at < max(?, ifnull((SELECT opened_at FROM incidents ORDER BY opened_at DESC LIMIT 1 OFFSET ?), 0))
      ORDER BY opened_at LIMIT ?)`)
  const oldPlans = sql.query<{ id: string }>(`
    SELECT id FROM plans WHERE ended_at IS NOT NULL
      AND created_at < max(?, ifnull((SELECT created_at FROM plans ORDER BY created_at DESC LIMIT 1 OFFSET ?), 0))
    ORDER BY created_at LIMIT ?`)
  const ofPlan = ['step_journal WHERE plan', 'plan_votes WHERE plan', 'plans WHERE id'].map((rows) =>
    sql.command(`DELETE FROM ${rows} = ?`),
  )
  return (nowMs) =>
    sql.atomic(() => {
      const before = (days: number): number => nowMs - days * DAY_MS
      const counts = [
        symptoms(before(LIMITS.symptomDays), LIMITS.maxSymptoms - 1, SLICE),
        incidents(before(LIMITS.incidentDays), LIMITS.maxIncidents - 1, SLICE),
      ]
      const plans = oldPlans.all(before(LIMITS.planDays), LIMITS.maxPlans - 1, SLICE)
      for (const { id } of plans) for (const remove of ofPlan) remove(id)
      return Math.max(...counts, plans.length) >= SLICE
    })
}
