import { mergePoints, type SeriesPoint } from '../../domain/series.ts'
import { readValues, type Samples, writeValues } from './block.ts'
import { createByteReader, createByteWriter, MalformedBytes } from './bytes.ts'

/** One kind of rollup: spans of this length, so many of them in a row of the store. */
export interface RollupLevel {
  readonly table: 'rollups_1m' | 'rollups_1h'
  readonly spanMs: number
  readonly rowMs: number
}

export const MINUTES: RollupLevel = { table: 'rollups_1m', spanMs: 60_000, rowMs: 3_600_000 }
export const HOURS: RollupLevel = { table: 'rollups_1h', spanMs: 3_600_000, rowMs: 86_400_000 }

/** Digits of a mean that are kept: it is a figure for a chart, and eight bytes of it would be noise. */
const MEAN_DIGITS = 7

const floorTo = (at: number, spanMs: number): number => Math.floor(at / spanMs) * spanMs

/** The points of samples, one for each span that has any, in order. */
export function rollUp({ ats, values }: Samples, spanMs: number): readonly SeriesPoint[] {
  const spans = new Map<number, { min: number; max: number; sum: number; count: number }>()
  for (const [n, at] of ats.entries()) {
    const value = values[n] ?? 0
    const start = floorTo(at, spanMs)
    const span = spans.get(start)
    if (span === undefined) {
      spans.set(start, { min: value, max: value, sum: value, count: 1 })
    } else {
      if (value < span.min) span.min = value
      if (value > span.max) span.max = value
      span.sum += value
      span.count += 1
    }
  }
  return inOrder(
    [...spans].map(([at, { min, max, sum, count }]) => ({ at, min, max, mean: sum / count, count })),
  )
}

/** Points of finer spans as points of coarser ones, and two lists as one. */
export function combine(points: readonly SeriesPoint[], spanMs: number): readonly SeriesPoint[] {
  const spans = Map.groupBy(points, ({ at }) => floorTo(at, spanMs))
  return inOrder([...spans].map(([at, group]) => mergePoints(group, at)))
}

/** By the row of the store that they belong to. */
export const byRow = (points: readonly SeriesPoint[], level: RollupLevel): Map<number, SeriesPoint[]> =>
  Map.groupBy(points, ({ at }) => floorTo(at, level.rowMs))

const inOrder = (points: SeriesPoint[]): SeriesPoint[] => points.sort((a, b) => a.at - b.at)

const writer = createByteWriter()

/** The points of one row, which are within its time and in order. */
export function packRow(points: readonly SeriesPoint[], rowStart: number, level: RollupLevel): Uint8Array {
  writer.whole(points.length)
  let last = 0
  for (const { at } of points) {
    const slot = (at - rowStart) / level.spanMs
    writer.whole(slot - last)
    last = slot
  }
  for (const { count } of points) writer.whole(count)
  const column = (of: (point: SeriesPoint) => number): void =>
    writeValues(writer, Float64Array.from(points, of))
  column(({ min }) => min)
  column(({ max }) => max)
  column(({ mean }) => Number(mean.toPrecision(MEAN_DIGITS)))
  return writer.take()
}

/** @throws MalformedBytes */
export function unpackRow(bytes: Uint8Array, rowStart: number, level: RollupLevel): readonly SeriesPoint[] {
  const reader = createByteReader(bytes)
  const length = reader.whole()
  if (length > level.rowMs / level.spanMs) throw new MalformedBytes('a row has too many points')
  let slot = 0
  const slots = Array.from({ length }, () => {
    slot += reader.whole()
    return slot
  })
  const counts = slots.map(() => reader.whole())
  const [mins, maxs, means] = [
    readValues(reader, length),
    readValues(reader, length),
    readValues(reader, length),
  ]
  return slots.map((at, n) => ({
    at: rowStart + at * level.spanMs,
    min: mins[n] ?? 0,
    max: maxs[n] ?? 0,
    mean: means[n] ?? 0,
    count: counts[n] ?? 0,
  }))
}
