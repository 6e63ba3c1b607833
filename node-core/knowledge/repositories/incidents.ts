import type { IncidentId } from '../../domain/ids.ts'
import { type Incident, isOver } from '../../domain/incident.ts'
import { subjectKey } from '../../domain/subject.ts'
import type { Symptom } from '../../domain/symptom.ts'
import { decodeDocument, encodeDocument, incidentDocument, symptomDocument } from '../documents.ts'
import { orNull, type Sql } from '../sql.ts'

export interface IncidentRepository {
  /** Writes it, in place of an earlier version. */
  save(incident: Incident): void
  get(id: IncidentId): Incident | undefined
  remove(id: IncidentId): void
  /** Those that are not resolved, the newest first. */
  unresolved(limit: number): readonly Incident[]
  /** All, the newest first; `before` leaves out what was opened then or later. */
  recent(limit: number, before?: number): readonly Incident[]
  /** Those that were open at some moment from `from` to before `until`, the newest first. */
  openBetween(from: number, until: number, limit: number): readonly Incident[]
}

export interface SymptomRepository {
  /** Writes it, in place of an earlier version: the same code, subject and first evidence. */
  save(symptom: Symptom): void
  /** Those last seen from `from` to before `until`, the newest first. */
  seenBetween(from: number, until: number, limit: number): readonly Symptom[]
}

type Row = { readonly document: string }

export function createIncidents(sql: Sql): IncidentRepository {
  const upsert = sql.command(`
    INSERT INTO incidents (id, code, subject, state, opened_at, resolved_at, document) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET code = excluded.code, subject = excluded.subject, state = excluded.state,
      opened_at = excluded.opened_at, resolved_at = excluded.resolved_at, document = excluded.document`)
  const select = sql.query<Row>('SELECT document FROM incidents WHERE id = ?')
  const remove = sql.command('DELETE FROM incidents WHERE id = ?')
  const unresolved = sql.query<Row>(
    "SELECT document FROM incidents WHERE state <> 'resolved' ORDER BY opened_at DESC LIMIT ?",
  )
  const recent = sql.query<Row>(
    'SELECT document FROM incidents WHERE opened_at < ? ORDER BY opened_at DESC LIMIT ?',
  )
  const between = sql.query<Row>(`
    SELECT document FROM incidents WHERE opened_at < ? AND (resolved_at IS NULL OR resolved_at >= ?)
    ORDER BY opened_at DESC LIMIT ?`)
  const read = (row: Row): Incident =>
    decodeDocument(sql, row.document, incidentDocument, 'document of an incident')
  return {
    save(incident) {
      const { id, code, subject, state, openedAt, resolvedAt } = incident
      // What is over has an end, also when nobody saw a delivery: a person may have closed it.
      const end = resolvedAt ?? (isOver(state) ? openedAt : undefined)
      upsert(id, code, subjectKey(subject), state, openedAt, orNull(end), encodeDocument(incident))
    },
    get(id) {
      const row = select.get(id)
      return row && read(row)
    },
    remove: (id) => void remove(id),
    unresolved: (limit) => unresolved.all(limit).map(read),
    recent: (limit, before = Number.MAX_SAFE_INTEGER) => recent.all(before, limit).map(read),
    openBetween: (from, until, limit) => between.all(until, from, limit).map(read),
  }
}

export function createSymptoms(sql: Sql): SymptomRepository {
  const upsert = sql.command(`
    INSERT INTO symptoms (code, subject, first_seen_at, last_seen_at, document) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (code, subject, first_seen_at) DO UPDATE
      SET last_seen_at = excluded.last_seen_at, document = excluded.document`)
  const between = sql.query<Row>(`
    SELECT document FROM symptoms WHERE last_seen_at >= ? AND last_seen_at < ? ORDER BY last_seen_at DESC LIMIT ?`)
  return {
    save(symptom) {
      const { code, subject, firstSeenAt, lastSeenAt } = symptom
      upsert(code, subjectKey(subject), firstSeenAt, lastSeenAt, encodeDocument(symptom))
    },
    seenBetween: (from, until, limit) =>
      between
        .all(from, until, limit)
        .map((row) => decodeDocument(sql, row.document, symptomDocument, 'symptom')),
  }
}
