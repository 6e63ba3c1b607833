import { type Detector, scoreOf } from './detector.ts'
import { createForecast } from './forecast.ts'
import { createRunningScale } from './running.ts'

export interface RobustZOptions {
  /** So many past values are kept for the season. Default 512. */
  readonly history?: number
  readonly warmUp?: number
}

/** A mean absolute deviation is this share of a standard deviation in a normal distribution: sqrt(2 / pi). */
const MAD_TO_SD = 0.7979

/** Distance from what the season and the recent past make of the moment, in robust deviations. */
export function createRobustZ({ history = 512, warmUp = 20 }: RobustZOptions = {}): Detector {
  const forecast = createForecast({ history })
  const deviation = createRunningScale(500)
  let count = 0
  return {
    update({ at, value }) {
      if (!Number.isFinite(value)) return 0
      count += 1
      const distance = Math.abs(value - forecast.expected)
      const z = deviation.value > 0 ? (distance / deviation.value) * MAD_TO_SD : distance > 0 ? 8 : 0
      if (!Number.isNaN(distance)) deviation.add(distance)
      forecast.learn(value, at)
      // The tail of a normal distribution, to a constant: exp(-z^2 / 2).
      return count <= warmUp || Number.isNaN(z) ? 0 : scoreOf(z ** 2 / 2 / Math.LN10)
    },
  }
}
