import { type Subject, subjectKey } from './subject.ts'
import type { FigureKind } from './symptom.ts'

/** What a series of samples is about. Two with the same metric and subject are one series. */
export interface SeriesInfo {
  /** Dotted lower case, with the unit out of it: `link.rtt`, `node.memory`, `service.check`. */
  readonly metric: string
  readonly subject: Subject
  readonly unit: string
  readonly kind: FigureKind
}

export const seriesKey = ({ metric, subject }: Pick<SeriesInfo, 'metric' | 'subject'>): string =>
  `${metric}/${subjectKey(subject)}`

/** `raw`: as sampled. `1m`, `1h`: what was between two full minutes or hours. */
export const RESOLUTIONS = ['raw', '1m', '1h'] as const
export type Resolution = (typeof RESOLUTIONS)[number]

export const RESOLUTION_MS: Readonly<Record<Resolution, number>> = { raw: 1, '1m': 60_000, '1h': 3_600_000 }

/** The samples of one span: its start, and what they were. */
export interface SeriesPoint {
  readonly at: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly count: number
}

export interface SeriesQuery {
  /** Milliseconds since the Unix epoch; `until` is not part of it. */
  readonly from: number
  readonly until: number
  readonly maxPoints: number
  /** In place of the finest one that gives at most `maxPoints` and is still kept. */
  readonly resolution?: Resolution
}

export interface SeriesAnswer {
  readonly info: SeriesInfo
  readonly resolution: Resolution
  /** In order of time. Spans without a sample have no point: unknown is not zero. */
  readonly points: readonly SeriesPoint[]
}

export interface StoredSeries extends SeriesInfo {
  readonly key: string
  /** Of its newest sample. */
  readonly lastAt: number | undefined
}

/** One point in place of several. */
export function mergePoints(points: readonly SeriesPoint[], at: number): SeriesPoint {
  let [min, max, sum, count] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0]
  for (const point of points) {
    min = Math.min(min, point.min)
    max = Math.max(max, point.max)
    sum += point.mean * point.count
    count += point.count
  }
  return { at, min, max, mean: sum / count, count }
}

/** At most `maxPoints`: neighbours become one, extremes stay. */
export function thinOut(points: readonly SeriesPoint[], query: SeriesQuery): readonly SeriesPoint[] {
  if (points.length <= query.maxPoints) return points
  const spanMs = (query.until - query.from) / query.maxPoints
  const groups = new Map<number, SeriesPoint[]>()
  for (const point of points) {
    const slot = Math.min(query.maxPoints - 1, Math.max(0, Math.floor((point.at - query.from) / spanMs)))
    const group = groups.get(slot)
    if (group === undefined) groups.set(slot, [point])
    else group.push(point)
  }
  return [...groups].map(([slot, group]) => mergePoints(group, Math.round(query.from + slot * spanMs)))
}
