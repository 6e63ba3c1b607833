import type { Detector } from '../../node-core/mapek/detect/detector.ts'
import { ALARM_SCORE } from '../../node-core/mapek/detect/detector.ts'
import { createSeriesDetector } from '../../node-core/mapek/detect/series-detector.ts'
import { type BenchCase, runBench } from '../bench/harness.ts'
import { createEwma, createWindowZ } from './baselines.ts'
import { areaUnderPrecisionRecall, judgeAt, judgeBest, type Scored } from './series-scores.ts'
import { type LabelledSeries, makeSeries } from './synthetic-series.ts'

/** Series of one measurement. Their seeds are none that the detectors were tuned on (those are below 10,000). */
const SERIES = 100
const FIRST_SEED = 100_000

const DETECTORS: Readonly<Record<string, () => Detector>> = {
  'this product': () => createSeriesDetector(),
  'z-score over 200': () => createWindowZ(200),
  'EWMA z-score': () => createEwma(0.05),
}

function score(series: LabelledSeries, detector: Detector): Scored {
  const scores = new Float64Array(series.values.length)
  series.values.forEach((value, row) => {
    scores[row] = detector.update({ at: series.at[row] ?? 0, value })
  })
  return { series, scores }
}

function caseOf(name: string, make: () => Detector): BenchCase {
  let round = 0
  const base = name === 'this product' ? {} : { comparedTo: 'F1, this product' }
  return {
    ...{ metric: `F1, ${name}`, unit: '%', ...base },
    further: [
      { metric: `NAB score, ${name}`, unit: '%' },
      { metric: `area under precision and recall, ${name}`, unit: '%' },
      { metric: `F1 at ${ALARM_SCORE}, ${name}`, unit: '%' },
      { metric: `false alarms per 1,000 rows at ${ALARM_SCORE}, ${name}`, unit: 'count' },
    ],
    async sample() {
      const from = FIRST_SEED + round * SERIES
      round += 1
      const scored = Array.from({ length: SERIES }, (_, n) => score(makeSeries(from + n), make()))
      const alarm = judgeAt(scored, ALARM_SCORE)
      return [
        100 * judgeBest(scored, 'f1').f1,
        judgeBest(scored, 'nab').nab,
        100 * areaUnderPrecisionRecall(scored),
        ...[100 * alarm.f1, alarm.falsePer1000],
      ]
    },
  }
}

/** How well the production detectors find what is labelled in made series, beside two simple ones. */
export async function evaluateSeries(argv: readonly string[]): Promise<void> {
  await runBench(
    { name: 'detect-series', defaultN: 3, warmup: 0 },
    async () => ({
      cases: Object.entries(DETECTORS).map(([name, make]) => caseOf(name, make)),
      async close() {},
    }),
    argv,
  )
}
