import { type SeriesInfo, type StoredSeries, seriesKey } from '../../domain/series.ts'
import { FIGURE_KINDS } from '../../domain/symptom.ts'
import { decodeDocument, encodeDocument, subjectDocument } from '../documents.ts'
import { parsed, type Sql } from '../sql.ts'

/** The series that there are, under a number each. */
export interface SeriesRegistry {
  /** Its number; undefined when there are as many as there may be and none of them is out of use. */
  register(info: SeriesInfo, nowMs: number): number | undefined
  find(key: string): { readonly id: number; readonly info: SeriesInfo } | undefined
  list(): readonly StoredSeries[]
}

/** A series without a sample for this long makes room for a new one: its node or link is gone. */
const OUT_OF_USE_MS = 86_400_000

type Row = {
  readonly id: number
  readonly key: string
  readonly metric: string
  readonly subject: string
  readonly unit: string
  readonly kind: string
  readonly lastAt: number
}

const SELECT = 'SELECT id, key, metric, subject, unit, kind, last_at AS lastAt FROM series'

export function createRegistry(
  sql: Sql,
  { maxSeries, onRemoved }: { readonly maxSeries: number; readonly onRemoved: (id: number) => void },
): SeriesRegistry {
  const select = sql.query<Row>(`${SELECT} WHERE key = ?`)
  const selectAll = sql.query<Row>(`${SELECT} ORDER BY key`)
  const stalest = sql.query<Row>(`${SELECT} WHERE last_at < ? ORDER BY last_at LIMIT 1`)
  const count = sql.query<{ n: number }>('SELECT count(*) AS n FROM series')
  const upsert = sql.command(`
    INSERT INTO series (key, metric, subject, unit, kind, last_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET unit = excluded.unit, kind = excluded.kind`)
  const removals = [
    'series WHERE id',
    'blocks WHERE series',
    'rollups_1m WHERE series',
    'rollups_1h WHERE series',
  ].map((rows) => sql.command(`DELETE FROM ${rows} = ?`))
  const infoOf = ({ metric, subject, unit, kind }: Row): SeriesInfo => ({
    ...{ metric, unit },
    subject: decodeDocument(sql, subject, subjectDocument, 'subject'),
    kind: parsed(sql, kind, (raw) => FIGURE_KINDS.find((known) => known === raw), 'kind of figure'),
  })

  /** Room for one more, if need be in place of one that is out of use. */
  const makeRoom = (nowMs: number): boolean => {
    if ((count.get()?.n ?? 0) < maxSeries) return true
    const old = stalest.get(nowMs - OUT_OF_USE_MS)
    if (old === undefined) return false
    for (const remove of removals) remove(old.id)
    onRemoved(old.id)
    return true
  }

  return {
    register: (info, nowMs) =>
      sql.atomic(() => {
        const key = seriesKey(info)
        const found = select.get(key)
        if (found !== undefined && found.unit === info.unit && found.kind === info.kind) return found.id
        if (found === undefined && !makeRoom(nowMs)) return undefined
        upsert(key, info.metric, encodeDocument(info.subject), info.unit, info.kind, nowMs)
        return select.get(key)?.id
      }),
    find(key) {
      const row = select.get(key)
      return row && { id: row.id, info: infoOf(row) }
    },
    list: () => selectAll.all().map((row) => ({ ...infoOf(row), key: row.key, lastAt: row.lastAt })),
  }
}
