/** `npm run bench:detect`: updates per second and core of each detector. Reach: 200,000. */
import { createAbsence } from '../../node-core/mapek/detect/absence.ts'
import { createChangePoint } from '../../node-core/mapek/detect/change-point.ts'
import type { Detector } from '../../node-core/mapek/detect/detector.ts'
import { createFlapCounter } from '../../node-core/mapek/detect/flap-counter.ts'
import { createRateOfChange } from '../../node-core/mapek/detect/rate-of-change.ts'
import { createRobustZ } from '../../node-core/mapek/detect/robust-z.ts'
import { createSeriesDetector } from '../../node-core/mapek/detect/series-detector.ts'
import { createThreshold } from '../../node-core/mapek/detect/threshold.ts'
import { runBench } from './harness.ts'

const UPDATES = 200_000
const SERIES = Float64Array.from(
  { length: UPDATES },
  (_, i) => 50 + 10 * Math.sin(i / 45.8) + 3 * Math.sin(i * 1.7) * Math.cos(i * i * 0.37),
)

const DETECTORS: Readonly<Record<string, () => Detector>> = {
  'threshold with hysteresis': () => createThreshold({ enter: 60, leave: 55 }),
  'robust z-score over a season': () => createRobustZ(),
  'change point': () => createChangePoint(),
  'flap counter': () => createFlapCounter({ changes: 5, windowMs: 60_000 }),
  'rate of change': () => createRateOfChange({ perSecond: 5 }),
  'absence of data': () => createAbsence({ afterMs: 5_000 }),
  'all of a series, 1,024 values kept': () => createSeriesDetector({ history: 1_024 }),
  'all of a series, 8,192 values kept': () => createSeriesDetector(),
}

/** Of processor time: what else runs on the machine does not count. */
function updatesPerSecond(detector: Detector): number {
  const before = process.cpuUsage()
  let sum = 0
  for (let i = 0; i < UPDATES; i += 1) sum += detector.update({ at: i * 1_000, value: SERIES[i] ?? 0 })
  const { user, system } = process.cpuUsage(before)
  if (!Number.isFinite(sum)) throw new Error('a detector answered with no number')
  return UPDATES / ((user + system) / 1e6)
}

await runBench({ name: 'detect', defaultN: 9, warmup: 2 }, async () => ({
  cases: Object.entries(DETECTORS).map(([metric, make]) => ({
    metric: `updates per second and core: ${metric}`,
    unit: 'count' as const,
    sample: async () => updatesPerSecond(make()),
  })),
  async close() {},
}))
