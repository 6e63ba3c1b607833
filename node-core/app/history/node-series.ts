import { createSeriesStore, type SeriesStore } from '../../knowledge/series/series-store.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Config } from '../config/schema.ts'

/** 16 bytes each. */
const MAX_OPEN_SAMPLES = 65_536

/** The store of series of a home, as its settings say. */
export function createNodeSeries(
  deps: { readonly clock: Clock; readonly logger: Logger },
  path: string,
  { rawMs, minuteMs, hourMs, maxSizeMb, maxSeries }: Config['knowledge'],
): SeriesStore {
  return createSeriesStore(
    { ...deps, logger: deps.logger.child({ component: 'series' }) },
    {
      path,
      retention: { rawMs, minuteMs, hourMs },
      maxBytes: maxSizeMb * 1024 * 1024,
      maxSeries,
      maxOpenSamples: MAX_OPEN_SAMPLES,
      threadProgram: seriesThread(import.meta.url),
    },
  )
}

/** Beside the node's program when bundled, in `entries` in the source. */
function seriesThread(here: string): URL {
  if (here.endsWith('.ts')) return new URL('../entries/series.ts', here)
  return new URL(here.includes('/chunks/') ? '../series.js' : './series.js', here)
}
