import { z } from 'zod'
import type { Baseline, Outcome, PlaybookSetting } from '../../domain/history.ts'
import { parseIncidentId, parsePlanId } from '../../domain/ids.ts'
import { PLAYBOOK_MODES } from '../../domain/plan.ts'
import { decodeDocument } from '../documents.ts'
import { orNull, parsed, type Sql } from '../sql.ts'

export interface OutcomeRepository {
  /** Keeps what became of a plan. A plan has one outcome: a second one is refused, false. */
  append(outcome: Outcome): boolean
  /** Of incidents with this code, or of all; the newest first. */
  recent(limit: number, code?: string): readonly Outcome[]
  /** Forgets what was learned of one playbook, or everything. Tells how many outcomes that were. */
  reset(playbook?: string): number
}

export interface PlaybookSettingRepository {
  /** By name. */
  list(): readonly PlaybookSetting[]
  get(playbook: string): PlaybookSetting | undefined
  put(setting: PlaybookSetting): void
  /** Back to what the file says. Tells whether there was one. */
  remove(playbook: string): boolean
}

export interface BaselineRepository {
  all(): readonly Baseline[]
  /** All of them or none. */
  putAll(baselines: readonly Baseline[]): void
  remove(series: string): void
}

/** More would make no difference to a ranking, and the oldest tell of a mesh that is no more. */
const MAX_OUTCOMES = 10_000
const MAX_BASELINES = 4_096

type OutcomeRow = {
  readonly at: number
  readonly plan: string
  readonly incident: string
  readonly playbook: string
  readonly playbookVersion: number
  readonly code: string
  readonly features: string
  readonly succeeded: number
  readonly durationMs: number
}

const SELECT_OUTCOMES = `SELECT at, plan, incident, playbook, playbook_version AS playbookVersion, code, features,
  succeeded, duration_ms AS durationMs FROM outcomes`

const featuresDocument = z.array(z.number())

export function createOutcomes(sql: Sql): OutcomeRepository {
  const insert = sql.command(`
    INSERT INTO outcomes (at, plan, incident, playbook, playbook_version, code, features, succeeded, duration_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (plan) DO NOTHING`)
  const trim = sql.command('DELETE FROM outcomes WHERE seq <= (SELECT max(seq) FROM outcomes) - ?')
  const newest = sql.query<OutcomeRow>(`${SELECT_OUTCOMES} ORDER BY seq DESC LIMIT ?`)
  const newestOfCode = sql.query<OutcomeRow>(`${SELECT_OUTCOMES} WHERE code = ? ORDER BY seq DESC LIMIT ?`)
  const resetOne = sql.command('DELETE FROM outcomes WHERE playbook = ?')
  const resetAll = sql.command('DELETE FROM outcomes')
  const read = (row: OutcomeRow): Outcome => ({
    ...row,
    plan: parsed(sql, row.plan, parsePlanId, 'plan id'),
    incident: parsed(sql, row.incident, parseIncidentId, 'incident id'),
    features: decodeDocument(sql, row.features, featuresDocument, 'feature vector'),
    succeeded: row.succeeded !== 0,
  })
  return {
    append: (outcome) =>
      sql.atomic(() => {
        const { at, plan, incident, playbook, playbookVersion, code, features, durationMs } = outcome
        const [vector, succeeded] = [JSON.stringify(features), outcome.succeeded ? 1 : 0]
        const added = insert(
          at,
          plan,
          incident,
          playbook,
          playbookVersion,
          code,
          vector,
          succeeded,
          durationMs,
        )
        if (added === 0) return false
        trim(MAX_OUTCOMES)
        return true
      }),
    recent: (limit, code) =>
      (code === undefined ? newest.all(limit) : newestOfCode.all(code, limit)).map(read),
    reset: (playbook) => (playbook === undefined ? resetAll() : resetOne(playbook)),
  }
}

export function createPlaybookSettings(sql: Sql): PlaybookSettingRepository {
  type Row = { playbook: string; enabled: number; mode: string | null; changedBy: string; changedAt: number }
  const columns = 'playbook, enabled, mode, changed_by AS changedBy, changed_at AS changedAt'
  const selectAll = sql.query<Row>(`SELECT ${columns} FROM playbook_settings ORDER BY playbook`)
  const select = sql.query<Row>(`SELECT ${columns} FROM playbook_settings WHERE playbook = ?`)
  const upsert = sql.command(`
    INSERT INTO playbook_settings (playbook, enabled, mode, changed_by, changed_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (playbook) DO UPDATE SET enabled = excluded.enabled, mode = excluded.mode,
      changed_by = excluded.changed_by, changed_at = excluded.changed_at`)
  const remove = sql.command('DELETE FROM playbook_settings WHERE playbook = ?')
  const parseMode = (raw: string) => PLAYBOOK_MODES.find((mode) => mode === raw)
  const read = (row: Row): PlaybookSetting => ({
    ...row,
    enabled: row.enabled !== 0,
    mode: row.mode === null ? undefined : parsed(sql, row.mode, parseMode, "playbook's mode"),
  })
  return {
    list: () => selectAll.all().map(read),
    get(playbook) {
      const row = select.get(playbook)
      return row && read(row)
    },
    put: ({ playbook, enabled, mode, changedBy, changedAt }) =>
      void upsert(playbook, enabled ? 1 : 0, orNull(mode), changedBy, changedAt),
    remove: (playbook) => remove(playbook) > 0,
  }
}

export function createBaselines(sql: Sql): BaselineRepository {
  type Row = { series: string; updatedAt: number; state: string }
  const selectAll = sql.query<Row>(
    'SELECT series, updated_at AS updatedAt, state FROM baselines ORDER BY series',
  )
  const upsert = sql.command(`
    INSERT INTO baselines (series, updated_at, state) VALUES (?, ?, ?)
    ON CONFLICT (series) DO UPDATE SET updated_at = excluded.updated_at, state = excluded.state`)
  const trim = sql.command(`
    DELETE FROM baselines WHERE series IN (
      SELECT series FROM baselines ORDER BY updated_at DESC LIMIT -1 OFFSET ?)`)
  const remove = sql.command('DELETE FROM baselines WHERE series = ?')
  return {
    all: () => selectAll.all(),
    putAll: (baselines) =>
      sql.atomic(() => {
        for (const { series, updatedAt, state } of baselines) upsert(series, updatedAt, state)
        trim(MAX_BASELINES)
      }),
    remove: (series) => void remove(series),
  }
}
