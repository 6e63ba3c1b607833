import type { SeriesStore } from '../../knowledge/series/series-store.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'

/** Whether the store takes what it is given: one small write now and then, and what others noticed. */
export interface StoreCheck {
  /** Why the store cannot be written; undefined while it can. */
  fault(): string | undefined
  /** Somebody could not write: it is looked at again at once. */
  failed(): void
}

const CHECK_MS = 30_000
const RECHECK_MS = 2_000
const KEY = 'monitor.checked-at'

export function createStoreCheck(deps: {
  readonly clock: Clock
  readonly meta: { set(key: string, value: string): void }
  /** Of the store of series, which is another file. */
  readonly series: Pick<SeriesStore, 'events'>
}): StoreCheck {
  const { clock, meta, series } = deps
  let nextMs = clock.monotonicMs() + CHECK_MS
  let fault: string | undefined
  let seriesFault: string | undefined
  series.events.on('fault', ({ message }) => {
    seriesFault = `the history is not written: ${message}`
  })
  series.events.on('recovered', () => {
    seriesFault = undefined
  })
  series.events.on('setAside', () => {
    seriesFault = undefined
  })
  return {
    fault() {
      if (clock.monotonicMs() < nextMs) return fault ?? seriesFault
      try {
        meta.set(KEY, String(clock.now()))
        fault = undefined
      } catch (error) {
        fault = messageOf(error)
      }
      nextMs = clock.monotonicMs() + (fault === undefined ? CHECK_MS : RECHECK_MS)
      return fault ?? seriesFault
    },
    failed() {
      nextMs = Math.min(nextMs, clock.monotonicMs())
    },
  }
}
