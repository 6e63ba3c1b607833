import type { Detector } from './detector.ts'
import { createRunningMean, createRunningScale } from './running.ts'

export interface ChangePointOptions {
  /** A drift of so many usual deviations is no change. Default 1. */
  readonly slack?: number
  /** What has to add up beyond the slack, in usual deviations. Default 10. */
  readonly alarm?: number
  readonly warmUp?: number
}

/** A single value may add so much: a change is several. */
const STEP_LIMIT = 4

/**
 * The mean has moved, up or down: Page's two-sided cumulative sums (Page 1954). After an alarm it learns the new level.
 * The score is the larger sum as a share of twice the alarm.
 */
export function createChangePoint({ slack = 1, alarm = 10, warmUp = 20 }: ChangePointOptions = {}): Detector {
  let level = createRunningMean(500)
  const deviation = createRunningScale(500)
  let [up, down] = [0, 0]
  return {
    update({ value }) {
      if (!Number.isFinite(value)) return 0
      const distance = value - level.value
      if (level.count < warmUp) {
        if (level.count > 0) deviation.add(Math.abs(distance))
        level.add(value)
        return 0
      }
      const size = Math.max(deviation.value, Math.abs(level.value) * 1e-6, 1e-9)
      const step = Math.max(-STEP_LIMIT - slack, Math.min(STEP_LIMIT + slack, distance / size))
      up = Math.max(0, up + step - slack)
      down = Math.max(0, down - step - slack)
      const score = Math.min(1, Math.max(up, down) / (2 * alarm))
      if (Math.max(up, down) >= alarm) {
        level = createRunningMean(500)
        up = 0
        down = 0
      }
      level.add(level.value + Math.max(-STEP_LIMIT * size, Math.min(STEP_LIMIT * size, distance)))
      deviation.add(Math.abs(distance))
      return score
    },
  }
}
