import {
  RESOLUTION_MS,
  type Resolution,
  type SeriesPoint,
  type SeriesQuery,
  thinOut,
} from '../../domain/series.ts'
import type { Sql } from '../sql.ts'
import { readBlock, type Samples } from './block.ts'
import { createByteReader } from './bytes.ts'
import { decoded, MAX_BLOCK_SPAN_MS } from './fold.ts'
import type { OpenSamples } from './open-samples.ts'
import { combine, HOURS, MINUTES, type RollupLevel, rollUp, unpackRow } from './rollup.ts'

export interface Retention {
  readonly rawMs: number
  readonly minuteMs: number
  readonly hourMs: number
}

export interface SeriesReader {
  read(
    series: number,
    query: SeriesQuery,
    nowMs: number,
  ): { resolution: Resolution; points: readonly SeriesPoint[] }
}

/** Raw samples of more than this are never read in one answer: the reader is on the thread of the mesh. */
const MAX_RAW_READ = 50_000

export function createReader(sql: Sql, open: OpenSamples, retention: Retention): SeriesReader {
  const blocks = sql.query<{ data: Uint8Array }>(`
    SELECT data FROM blocks WHERE series = ? AND start >= ? AND start < ? AND end >= ? ORDER BY start LIMIT ?`)
  // The part of each block that lies in the range, as if its samples came evenly.
  const counted = sql.query<{ n: number }>(`
    SELECT total(count * (min(end, ?) - max(start, ?) + 1.0) / (end - start + 1)) AS n
    FROM blocks WHERE series = ? AND start >= ? AND start < ? AND end >= ?`)
  const rows = (level: RollupLevel) =>
    sql.query<{ start: number; data: Uint8Array }>(
      `SELECT start, data FROM ${level.table} WHERE series = ? AND start > ? AND start < ? ORDER BY start`,
    )
  const levels = { '1m': { level: MINUTES, rows: rows(MINUTES) }, '1h': { level: HOURS, rows: rows(HOURS) } }

  const within = ({ ats, values }: Samples, { from, until }: SeriesQuery): SeriesPoint[] => {
    const points: SeriesPoint[] = []
    for (const [n, at] of ats.entries()) {
      const value = values[n] ?? 0
      if (at >= from && at < until) points.push({ at, min: value, max: value, mean: value, count: 1 })
    }
    return points
  }

  const raw = (series: number, query: SeriesQuery): readonly SeriesPoint[] => {
    const { from, until } = query
    const stored = blocks.all(series, from - MAX_BLOCK_SPAN_MS, until, from, MAX_RAW_READ)
    const samples = stored.map(({ data }) => decoded(sql, () => readBlock(createByteReader(data))))
    const points = [...samples, ...open.of(series)].flatMap((part) => within(part, query))
    return points.sort((a, b) => a.at - b.at)
  }

  const rolled = (series: number, query: SeriesQuery, resolution: '1m' | '1h'): readonly SeriesPoint[] => {
    const { level, rows } = levels[resolution]
    const stored = rows
      .all(series, query.from - level.rowMs, query.until)
      .flatMap(({ start, data }) => decoded(sql, () => unpackRow(data, start, level)))
    const fresh = open.of(series).flatMap((samples) => rollUp(samples, level.spanMs))
    const all = fresh.length === 0 ? stored : combine([...stored, ...fresh], level.spanMs)
    // A span counts from where it starts: the one in which the query begins is part of it.
    return all.filter(({ at }) => at > query.from - level.spanMs && at < query.until)
  }

  /** About how many samples there are. */
  const countRaw = (series: number, { from, until }: SeriesQuery): number => {
    const stored = counted.get(until - 1, from, series, from - MAX_BLOCK_SPAN_MS, until, from)?.n ?? 0
    const inRange = (sum: number, at: number): number => (at >= from && at < until ? sum + 1 : sum)
    return open.of(series).reduce((sum, { ats }) => sum + ats.reduce(inRange, 0), stored)
  }

  /** Few enough samples: as they are. Many hours: by the hour. Else by the minute. */
  const choose = (series: number, query: SeriesQuery, nowMs: number): Resolution => {
    const { from, until, maxPoints } = query
    if (from >= nowMs - retention.rawMs && countRaw(series, query) <= maxPoints) return 'raw'
    const hours = (until - from) / RESOLUTION_MS['1h']
    return from < nowMs - retention.minuteMs || hours >= maxPoints / 2 ? '1h' : '1m'
  }

  return {
    read(series, query, nowMs) {
      let resolution = query.resolution ?? choose(series, query, nowMs)
      if (resolution === 'raw' && countRaw(series, query) > MAX_RAW_READ) resolution = '1m'
      const points = resolution === 'raw' ? raw(series, query) : rolled(series, query, resolution)
      return { resolution, points: thinOut(points, query) }
    },
  }
}
