import type { PeerId, ServiceName } from '../../domain/ids.ts'
import { type SeriesInfo, seriesKey } from '../../domain/series.ts'
import type { SeriesStore } from '../../knowledge/series/series-store.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'

/** How long the check of a service takes at its provider. */
export const serviceCheck = (name: ServiceName, provider: PeerId): SeriesInfo => ({
  ...{ metric: 'service.check', unit: 'ms', kind: 'measured' },
  subject: { kind: 'service', name, provider },
})

/** What a series usually is at this time of the day, as the store remembers it. */
export interface Usual {
  /** The means of the minutes around this hour over the last days; undefined until they have been read. */
  of(series: SeriesInfo, at: number): readonly number[] | undefined
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAYS = 7
const MAX_POINTS = 60
const MAX_SERIES = 256

interface Read {
  readonly hour: number
  values: readonly number[] | undefined
}

/** Each series is read once an hour. What cannot be read is no past: then the detector learns from now on. */
export function createUsual(deps: {
  readonly series: Pick<SeriesStore, 'query'>
  readonly logger: Logger
}): Usual {
  const reads = new Map<string, Read>()

  const readDay = async (key: string, from: number): Promise<readonly number[]> => {
    const answer = await deps.series.query(key, { from, until: from + HOUR_MS, maxPoints: MAX_POINTS })
    return answer?.points.map(({ mean }) => mean) ?? []
  }
  const read = async (key: string, at: number): Promise<readonly number[]> => {
    const days: number[] = []
    // The hour that ends now, and the hour around this time of each day before.
    days.push(...(await readDay(key, at - HOUR_MS)))
    for (let day = 1; day <= DAYS; day += 1)
      days.push(...(await readDay(key, at - day * DAY_MS - HOUR_MS / 2)))
    return days
  }

  return {
    of(series, at) {
      const key = seriesKey(series)
      const hour = Math.floor(at / HOUR_MS)
      const known = reads.get(key)
      if (known?.hour === hour) return known.values
      const one: Read = { hour, values: known?.values }
      reads.delete(key)
      reads.set(key, one)
      const [oldest] = reads.keys()
      if (oldest !== undefined && reads.size > MAX_SERIES) reads.delete(oldest)
      read(key, at).then(
        (values) => {
          one.values = values
        },
        (error: unknown) => {
          one.values = known?.values ?? []
          deps.logger.debug('the past of a series cannot be read', { key, error: messageOf(error) })
        },
      )
      return one.values
    },
  }
}
