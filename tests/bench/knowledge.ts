/**
 * `npm run bench:knowledge`: what the store of series takes, answers and needs, through the parts that a node uses. The
 * stalls are of this thread's event loop, as the mesh would feel them.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type SeriesInfo, seriesKey } from '../../node-core/domain/series.ts'
import { createSeriesDriver } from '../../node-core/knowledge/series/series-driver.ts'
import { createSeriesStore } from '../../node-core/knowledge/series/series-store.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { type BenchCase, runBench } from './harness.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MILLION = 1_000_000
const threadProgram = new URL('../../node-core/app/entries/series.ts', import.meta.url)

const infoOf = (n: number): SeriesInfo => ({
  metric: `bench.rtt-${n}`,
  subject: { kind: 'mesh' },
  unit: 'ms',
  kind: 'simulated',
})
const optionsAt = (path: string) => ({
  path,
  retention: { rawMs: 2 * DAY_MS, minuteMs: 30 * DAY_MS, hourMs: 365 * DAY_MS },
  maxBytes: 1024 * MILLION,
  maxSeries: 4_096,
  maxOpenSamples: 262_144,
})

/** A round trip in hundredths of a millisecond that wanders. */
function createWander(): () => number {
  let [value, state] = [20, 7]
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    value = Math.max(1, value + (state / 2 ** 32 - 0.5) * 0.8)
    return Math.round(value * 100) / 100
  }
}

async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'x0t-bench-knowledge-'))
  try {
    return await work(join(folder, 'series.db'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const LOAD_SERIES = 1_000
const LOAD_SECONDS = 10
const OFFERED_PER_S = 130_000

/** Offers more than the target for some seconds; what was written at the end, per second of all the time it took. */
const load = (): Promise<readonly number[]> =>
  inFolder(async (path) => {
    const store = createSeriesStore(
      { clock: systemClock, logger: silentLogger },
      { ...optionsAt(path), threadProgram },
    )
    await store.start()
    const ids = Array.from({ length: LOAD_SERIES }, (_, n) => store.open(infoOf(n)))
    const wander = createWander()
    const stalls = monitorEventLoopDelay({ resolution: 1 })
    const startedAt = performance.now()
    stalls.enable()
    let offered = 0
    for (let at = 0; at < LOAD_SECONDS * 1_000; at = performance.now() - startedAt) {
      const due = Math.floor((at / 1_000) * OFFERED_PER_S)
      // A sampler takes no longer at a time than a node's would.
      for (const until = Math.min(due, offered + 2_000); offered < until; offered += 1) {
        store.add(ids[offered % LOAD_SERIES] ?? 0, Date.now(), wander())
      }
      await delay(1)
    }
    await store.flush()
    await store.flush()
    const seconds = (performance.now() - startedAt) / 1_000
    stalls.disable()
    const { dropped } = await store.stats()
    await store.stop()
    const inMs = (nanoseconds: number): number => nanoseconds / 1e6
    return [(offered - dropped) / seconds, dropped, inMs(stalls.percentile(99)), inMs(stalls.max)]
  })

const CHART_SERIES = 100
const CHART_SAMPLES = 10 * MILLION
const QUERIES = 50

/** Ten million samples of a hundred series over a day and more; then charts of a day of one of them. */
const charts = (): Promise<readonly number[]> =>
  inFolder(async (path) => {
    const end = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
    const perSeries = CHART_SAMPLES / CHART_SERIES
    const stepMs = 1_000
    const driver = createSeriesDriver({ clock: systemClock }, optionsAt(path))
    const infos = Array.from({ length: CHART_SERIES }, (_, handle) => ({ handle, info: infoOf(handle) }))
    const wander = createWander()
    const batchSteps = 500
    for (let step = 0; step < perSeries; step += batchSteps) {
      const length = batchSteps * CHART_SERIES
      const series = Int32Array.from({ length }, (_, n) => n % CHART_SERIES)
      const ats = Float64Array.from(
        { length },
        (_, n) => end - (perSeries - step - Math.floor(n / CHART_SERIES)) * stepMs,
      )
      await driver.append(step === 0 ? infos : [], { series, ats, values: ats.map(wander) })
    }
    await driver.close()
    const bytes = statSync(path).size
    const reopened = createSeriesDriver({ clock: systemClock }, optionsAt(path))
    const times: number[] = []
    for (let n = 0; n < QUERIES; n += 1) {
      const before = performance.now()
      const answer = await reopened.query(seriesKey(infoOf(n * 2)), {
        from: end - DAY_MS,
        until: end,
        maxPoints: 1_500,
      })
      times.push(performance.now() - before)
      if (answer?.resolution !== '1m' || answer.points.length < 1_400)
        throw new Error('not the chart of a day')
    }
    await reopened.close()
    times.sort((a, b) => a - b)
    return [
      times[Math.floor(QUERIES / 2)] ?? Number.NaN,
      times.at(-1) ?? Number.NaN,
      (bytes / CHART_SAMPLES) * MILLION,
    ]
  })

const CASES: readonly BenchCase[] = [
  {
    metric: 'samples written per second',
    unit: 'count',
    further: [
      { metric: 'samples dropped', unit: 'count' },
      { metric: 'event-loop delay p99 under load', unit: 'ms' },
      { metric: 'event-loop delay max under load', unit: 'ms' },
    ],
    sample: load,
  },
  {
    metric: 'chart of 24 h, median',
    unit: 'ms',
    share: 0.2,
    further: [
      { metric: 'chart of 24 h, slowest', unit: 'ms' },
      { metric: 'size of a million samples', unit: 'bytes' },
    ],
    sample: charts,
  },
]

await runBench({ name: 'knowledge', defaultN: 5, warmup: 0 }, async () => ({
  cases: CASES,
  close: async () => {},
}))
