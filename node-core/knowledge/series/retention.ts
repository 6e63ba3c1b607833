import type { Sql } from '../sql.ts'
import { MAX_BLOCK_SPAN_MS } from './fold.ts'
import type { Retention } from './reader.ts'
import { HOURS, MINUTES } from './rollup.ts'

export interface SizeLimit {
  readonly maxBytes: number
  usedBytes(): number
}

/** Forgets a slice of what is too old, or of the oldest when there is too much: raw samples first. */
export type Trim = (nowMs: number) => boolean

const SLICE = 64
/** A block has up to 36 KB. */
const SIZE_SLICE = 4
/** Trimming for size goes on until there is this much room again. */
const ROOM = 0.95

/**
 * Rows are in the order of writing, and so of time: the oldest are the first. A row that was written late stays a little
 * longer than it should, which is of no harm.
 */
export function createTrim(sql: Sql, retention: Retention, size: SizeLimit): Trim {
  const tables = [
    { name: 'blocks', keptMs: retention.rawMs + MAX_BLOCK_SPAN_MS },
    { name: MINUTES.table, keptMs: retention.minuteMs + MINUTES.rowMs },
    { name: HOURS.table, keptMs: retention.hourMs + HOURS.rowMs },
  ].map(({ name, keptMs }) => ({
    keptMs,
    old: sql.command(
      `DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} ORDER BY id LIMIT ?) AND start < ?`,
    ),
    oldest: sql.command(`DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} ORDER BY id LIMIT ?)`),
  }))
  let tooLarge = false

  const trimSize = (): boolean => {
    const used = size.usedBytes()
    tooLarge = used > size.maxBytes * (tooLarge ? ROOM : 1)
    return tooLarge && tables.some(({ oldest }) => oldest(SIZE_SLICE) > 0)
  }

  return (nowMs) => {
    const more = tables.map(({ old, keptMs }) => old(SLICE, nowMs - keptMs) === SLICE)
    return trimSize() || more.includes(true)
  }
}
