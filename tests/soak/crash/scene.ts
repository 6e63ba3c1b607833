import { join } from 'node:path'
import { z } from 'zod'
import { type PeerId, parsePeerId } from '../../../node-core/domain/ids.ts'
import type { SeriesInfo } from '../../../node-core/domain/series.ts'

const YEAR_MS = 366 * 86_400_000

/** Five years from the epoch on are kept: the samples of a crash run are numbered by their moments. */
export const engineOptions = (folder: string) => ({
  path: join(folder, 'series.db'),
  retention: { rawMs: 100 * YEAR_MS, minuteMs: 100 * YEAR_MS, hourMs: 100 * YEAR_MS },
  maxBytes: 1024 * 1024 * 1024,
  maxSeries: 8,
  // Small, so that many a kill meets it folding.
  maxOpenSamples: 200,
})

export const SAMPLES_PER_STEP = 10
export const ISSUER = 'authority'
export const PEER: PeerId = z
  .string()
  .transform((raw) => parsePeerId(raw) ?? z.NEVER)
  .parse(`12D3KooW${'A'.repeat(44)}`)
export const INFO: SeriesInfo = {
  metric: 'crash.number',
  subject: { kind: 'mesh' },
  unit: 'count',
  kind: 'simulated',
}
