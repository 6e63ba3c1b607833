import type { Detector } from '../../node-core/mapek/detect/detector.ts'
import { createRing } from '../../node-core/mapek/detect/running.ts'

/** The two detectors that everybody writes first, to be compared against. Scores are the normal tail's, 0 to 1. */

const scoreOfZ = (z: number): number => {
  const surprise = (z * z) / 2 / Math.LN10
  return surprise ** 2 / (surprise ** 2 + 16)
}

/** Distance from the mean of the last `size` values, in their standard deviations. */
export function createWindowZ(size: number): Detector {
  const ring = createRing(size)
  return {
    update({ value }) {
      if (!Number.isFinite(value)) return 0
      const n = ring.length
      let mean = 0
      for (let age = 0; age < n; age += 1) mean += ring.at(age) / n
      let square = 0
      for (let age = 0; age < n; age += 1) square += (ring.at(age) - mean) ** 2 / n
      ring.push(value)
      const deviation = Math.sqrt(square)
      if (n < 10) return 0
      return scoreOfZ(deviation > 0 ? Math.abs(value - mean) / deviation : value === mean ? 0 : 6)
    },
  }
}

/** Distance from an exponentially weighted mean, in exponentially weighted deviations. */
export function createEwma(alpha: number): Detector {
  let mean = Number.NaN
  let variance = 0
  let count = 0
  return {
    update({ value }) {
      if (!Number.isFinite(value)) return 0
      count += 1
      if (Number.isNaN(mean)) {
        mean = value
        return 0
      }
      const distance = value - mean
      const z = variance > 0 ? Math.abs(distance) / Math.sqrt(variance) : 0
      mean += alpha * distance
      variance = (1 - alpha) * (variance + alpha * distance ** 2)
      return count < 20 ? 0 : scoreOfZ(z)
    },
  }
}
