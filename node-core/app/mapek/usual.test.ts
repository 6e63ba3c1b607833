import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { peer } from '../../../tests/helpers/incidents.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { ServiceName } from '../../domain/ids.ts'
import { createSeriesStore } from '../../knowledge/series/series-store.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createUsual, serviceCheck } from './usual.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

it('reads what a series was at this hour, today and on the days before, and nothing of other hours', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-usual-'))
  const clock = createManualClock()
  const series = createSeriesStore(
    { clock, logger: silentLogger },
    {
      path: join(folder, 'series.db'),
      retention: { rawMs: 30 * DAY_MS, minuteMs: 30 * DAY_MS, hourMs: 365 * DAY_MS },
      ...{ maxBytes: 64 * 1024 * 1024, maxSeries: 100, maxOpenSamples: 65_536, threadProgram: undefined },
    },
  )
  try {
    await series.start()
    const info = serviceCheck('web' as ServiceName, peer('A'))
    const id = series.open(info)
    const now = clock.now()
    series.add(id, now - 2 * DAY_MS, 20)
    // At night it was slow, which says nothing of now.
    series.add(id, now - DAY_MS - 6 * HOUR_MS, 900)
    series.add(id, now - DAY_MS, 21)
    series.add(id, now - 60_000, 22)
    await series.flush()
    const usual = createUsual({ series, logger: silentLogger })
    expect(usual.of(info, now)).toBeUndefined()
    await eventually('the past has been read', () => usual.of(info, now) !== undefined, 10_000)
    expect([...(usual.of(info, now) ?? [])].sort()).toEqual([20, 21, 22])
    const unknown = serviceCheck('other' as ServiceName, peer('A'))
    usual.of(unknown, now)
    await eventually('that there is none is known', () => usual.of(unknown, now) !== undefined, 10_000)
    expect(usual.of(unknown, now)).toEqual([])
  } finally {
    await series.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}, 30_000)
