import type { SeriesPoint } from '../../domain/series.ts'
import { orUndefined, type Sql } from '../sql.ts'
import { corrupt } from '../store-fault.ts'
import { MAX_BLOCK_SAMPLES, readBlock, type Samples, writeBlock } from './block.ts'
import { createByteReader, createByteWriter, MalformedBytes } from './bytes.ts'
import { byRow, combine, HOURS, MINUTES, packRow, type RollupLevel, rollUp, unpackRow } from './rollup.ts'

/** A query for blocks looks back by this much: none is longer. */
export const MAX_BLOCK_SPAN_MS = 3_600_000

/** What SQLite reads as damage of the file is one kind; bytes in it that make no sense are the other. */
export function decoded<T>(sql: Sql, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof MalformedBytes) throw corrupt(sql.path, error.message, error)
    throw error
  }
}

/** Writes the samples of one series into blocks and rollups, inside the transaction of the caller. */
export type Fold = (series: number, samples: Samples) => void

export function createFold(sql: Sql): Fold {
  const writeBlocks = createBlockWriter(sql)
  const writeMinutes = createRollupWriter(sql, MINUTES)
  const writeHours = createRollupWriter(sql, HOURS)
  return (series, samples) => {
    if (samples.ats.length === 0) return
    writeBlocks(series, samples)
    const minutes = rollUp(samples, MINUTES.spanMs)
    writeMinutes(series, minutes)
    writeHours(series, combine(minutes, HOURS.spanMs))
  }
}

function createBlockWriter(sql: Sql): Fold {
  const insert = sql.command('INSERT INTO blocks (series, start, end, count, data) VALUES (?, ?, ?, ?, ?)')
  const taken = sql.query<{ one: number }>('SELECT 1 AS one FROM blocks WHERE series = ? AND start = ?')
  const writer = createByteWriter()
  /** Two blocks of a series never start together: the later one says that it starts a moment earlier, which only widens it. */
  const freeStart = (series: number, wanted: number): number => {
    let start = wanted
    while (taken.get(series, start) !== undefined) start -= 1
    return start
  }
  return (series, { ats, values }) => {
    for (let from = 0; from < ats.length; ) {
      const first = ats[from] ?? 0
      let [to, end] = [from, first]
      // A block holds what is within an hour from its first sample, so that a query knows how far to look back.
      for (; to < ats.length && to - from < MAX_BLOCK_SAMPLES; to += 1) {
        const at = ats[to] ?? 0
        if (at < first || at - first > MAX_BLOCK_SPAN_MS) break
        end = Math.max(end, at)
      }
      writeBlock(writer, { ats: ats.subarray(from, to), values: values.subarray(from, to) })
      insert(series, freeStart(series, first), end, to - from, writer.take())
      from = to
    }
  }
}

function createRollupWriter(sql: Sql, level: RollupLevel) {
  const select = sql.query<{ data: Uint8Array }>(
    `SELECT data FROM ${level.table} WHERE series = ? AND start = ?`,
  )
  const upsert = sql.command(`
    INSERT INTO ${level.table} (series, start, data) VALUES (?, ?, ?)
    ON CONFLICT (series, start) DO UPDATE SET data = excluded.data`)
  return (series: number, points: readonly SeriesPoint[]): void => {
    for (const [start, fresh] of byRow(points, level)) {
      const row = orUndefined(select.get(series, start)?.data ?? null)
      const old = row === undefined ? [] : decoded(sql, () => unpackRow(row, start, level))
      upsert(series, start, packRow(combine([...old, ...fresh], level.spanMs), start, level))
    }
  }
}

/** One chunk: the samples that came since the last one, of all series. */
export interface ChunkPart {
  readonly series: number
  readonly samples: Samples
}

const chunkWriter = createByteWriter()

export function packChunk(parts: Iterable<ChunkPart>): Uint8Array {
  for (const { series, samples } of parts) {
    for (let from = 0; from < samples.ats.length; from += MAX_BLOCK_SAMPLES) {
      const to = from + MAX_BLOCK_SAMPLES
      chunkWriter.whole(series)
      writeBlock(chunkWriter, {
        ats: samples.ats.subarray(from, to),
        values: samples.values.subarray(from, to),
      })
    }
  }
  return chunkWriter.take()
}

/** @throws MalformedBytes */
export function* unpackChunk(bytes: Uint8Array): Generator<ChunkPart> {
  const reader = createByteReader(bytes)
  while (!reader.done) yield { series: reader.whole(), samples: readBlock(reader) }
}
