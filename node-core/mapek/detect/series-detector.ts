import { type Detector, scoreOf } from './detector.ts'
import { createHold } from './hold.ts'
import { createStatistics } from './statistics.ts'
import { createTailModel, type TailModel } from './tail-model.ts'

export interface SeriesDetectorOptions {
  /** So many past values are kept for seasons: 8 bytes each. */
  readonly history?: number
}

const HISTORY = 8_192
/** Nothing is said of the first samples: everything is new then. */
const WARM_UP = 30
/** Beyond this, differences of values would leave what a double can hold. */
const LARGEST = 1e100

/**
 * Anomalies of a series of which nothing is known: spikes, level shifts at several scales, patterns that are not
 * followed, changes of spread, values that stand still. Each statistic is judged against its own past (TailModel), and so
 * is the largest of them, so that a score means the same in every series: how rare this is here.
 */
export function createSeriesDetector({ history = HISTORY }: SeriesDetectorOptions = {}): Detector {
  const statistics = createStatistics(history)
  const tails = Array.from(statistics.values, () => createTailModel())
  const together = createTailModel()
  const hold = createHold()
  let count = 0

  return {
    update({ value, at }) {
      if (!Number.isFinite(value)) return 0
      count += 1
      statistics.update(Math.max(-LARGEST, Math.min(LARGEST, value)), at)
      const joint = jointSurprise(statistics.values, tails)
      // Half the word of the tails, half that of how often their word was as strong in this very series.
      const surprise = count <= WARM_UP ? 0 : (together.surprise(joint) + joint) / 2
      const shown = hold.show(surprise)
      // What is known to be strange must not become what is usual in one go.
      const weight = hold.isHeld && surprise > 2 ? 0.2 : 1
      for (let index = 0; index < tails.length; index += 1) {
        tails[index]?.learn(statistics.values[index] ?? 0, weight)
      }
      if (count > WARM_UP / 2) together.learn(joint, weight)
      return scoreOf(shown)
    },
  }
}

/** Nearly the largest alone: the statistics of one event rise together and are no independent witnesses. */
function jointSurprise(values: Float64Array, tails: readonly TailModel[]): number {
  let sum = 0
  for (let index = 0; index < tails.length; index += 1) {
    const surprise = tails[index]?.surprise(values[index] ?? 0) ?? 0
    const cube = surprise * surprise * surprise
    sum += cube * cube
  }
  return sum ** (1 / 6)
}
