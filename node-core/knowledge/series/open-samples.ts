import type { Sql } from '../sql.ts'
import type { Samples } from './block.ts'
import { type ChunkPart, createFold, decoded, packChunk, unpackChunk } from './fold.ts'
import { createSampleBuffer, type SampleBuffer } from './sample-buffer.ts'

/** Samples as they come, of all series: three columns of equal length. */
export interface Batch {
  readonly series: Int32Array
  readonly ats: Float64Array
  readonly values: Float64Array
}

/**
 * The newest samples: in memory for queries, and as chunks in the store until there are enough of each series for a
 * block. Folding them into blocks goes series by series, so that no step takes long; a crash between two steps is told
 * by the row in `folding`.
 */
export interface OpenSamples {
  /** On return they survive the end of the process. All of them are kept or none. */
  append(batch: Batch): void
  readonly count: number
  /** Folds some series into blocks. Tells whether there is more to do. */
  fold(): boolean
  /** Starts to fold all that is there. */
  beginFolding(): void
  /** What is not in blocks yet, oldest first. */
  of(series: number): readonly Samples[]
  forget(series: number): void
}

/** A step of folding takes one to three milliseconds. */
const SERIES_PER_STEP = 24

type Buffers = Map<number, SampleBuffer>

/** @throws FaultError STORE_CORRUPT */
export function createOpenSamples(sql: Sql): OpenSamples {
  const statements = prepareStatements(sql)
  const fold = createFold(sql)
  const { open: recovered, frozen, through } = recover(sql, statements)
  let open: Buffers = recovered
  let foldingThrough = through
  let count = [...open.values()].reduce((sum, { length }) => sum + length, 0)

  const beginFolding = (): void => {
    if (foldingThrough !== undefined || open.size === 0) return
    foldingThrough = statements.lastChunk.get()?.seq ?? 0
    for (const id of [...open.keys()].sort((a, b) => a - b)) {
      const buffer = open.get(id)
      if (buffer !== undefined) frozen.set(id, buffer)
    }
    open = new Map()
    count = 0
  }

  const foldStep = (): boolean => {
    if (foldingThrough === undefined) return false
    const [end, step] = [foldingThrough, [...frozen.entries()].slice(0, SERIES_PER_STEP)]
    sql.atomic(() => {
      for (const [id, buffer] of step) {
        fold(id, buffer.view())
        statements.touch(newestOf(buffer), id)
      }
      if (step.length === frozen.size) {
        statements.dropChunks(end)
        statements.endFolding()
      } else {
        statements.setFolding(end, step.at(-1)?.[0] ?? 0)
      }
    })
    for (const [id] of step) frozen.delete(id)
    if (frozen.size > 0) return true
    foldingThrough = undefined
    return false
  }

  return {
    append(batch) {
      const before = pushAll(open, batch)
      try {
        statements.addChunk(packChunk(partsSince(open, before)))
      } catch (error) {
        for (const [id, length] of before) open.get(id)?.truncate(length)
        throw error
      }
      count += batch.ats.length
    },
    get count() {
      return count
    },
    beginFolding,
    fold: foldStep,
    of: (series) => [frozen, open].flatMap((buffers) => buffers.get(series)?.view() ?? []),
    forget(series) {
      count -= open.get(series)?.length ?? 0
      open.delete(series)
      frozen.delete(series)
    },
  }
}

function prepareStatements(sql: Sql) {
  return {
    addChunk: sql.command('INSERT INTO chunks (data) VALUES (?)'),
    lastChunk: sql.query<{ seq: number }>('SELECT ifnull(max(seq), 0) AS seq FROM chunks'),
    chunks: sql.query<{ seq: number; data: Uint8Array }>(
      'SELECT seq, data FROM chunks WHERE seq > ? ORDER BY seq LIMIT 1',
    ),
    dropChunks: sql.command('DELETE FROM chunks WHERE seq <= ?'),
    folding: sql.query<{ through: number; cursor: number }>('SELECT through, cursor FROM folding'),
    setFolding: sql.command(
      'INSERT INTO folding (id, through, cursor) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET through = excluded.through, cursor = excluded.cursor',
    ),
    endFolding: sql.command('DELETE FROM folding'),
    touch: sql.command('UPDATE series SET last_at = max(last_at, ?) WHERE id = ?'),
  }
}

const newestOf = (buffer: SampleBuffer): number => buffer.view().ats.reduce((a, b) => Math.max(a, b), 0)

/** Adds the batch; the lengths of before, by series. */
function pushAll(open: Buffers, { series, ats, values }: Batch): ReadonlyMap<number, number> {
  const before = new Map<number, number>()
  for (const [n, id] of series.entries()) {
    let buffer = open.get(id)
    if (buffer === undefined) {
      buffer = createSampleBuffer()
      open.set(id, buffer)
    }
    if (!before.has(id)) before.set(id, buffer.length)
    buffer.push(ats[n] ?? 0, values[n] ?? 0)
  }
  return before
}

function* partsSince(open: Buffers, before: ReadonlyMap<number, number>): Generator<ChunkPart> {
  for (const [series, from] of before) {
    const buffer = open.get(series)
    if (buffer !== undefined) yield { series, samples: buffer.view(from) }
  }
}

/** The chunks of a process that has ended: what it was folding, without what it had folded already, and the rest. */
function recover(sql: Sql, { chunks, folding }: ReturnType<typeof prepareStatements>) {
  const state = folding.get()
  const open: Buffers = new Map()
  const frozen: Buffers = new Map()
  for (let row = chunks.get(0); row !== undefined; row = chunks.get(row.seq)) {
    const { seq, data } = row
    const old = state !== undefined && seq <= state.through
    for (const { series, samples } of decoded(sql, () => [...unpackChunk(data)])) {
      if (old && series <= state.cursor) continue
      const buffers = old ? frozen : open
      const buffer = buffers.get(series) ?? createSampleBuffer()
      buffers.set(series, buffer)
      for (const [n, at] of samples.ats.entries()) buffer.push(at, samples.values[n] ?? 0)
    }
  }
  const inOrder = new Map([...frozen].sort(([a], [b]) => a - b))
  return { open, frozen: inOrder, through: state?.through }
}
