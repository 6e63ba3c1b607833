import type { Detector } from './detector.ts'

export interface ThresholdOptions {
  /** From here on it is an alarm. */
  readonly enter: number
  /** And it stays one until the value is back here: between the two, what was goes on. */
  readonly leave: number
  /** So many samples in a row have to say so, either way. Default 1. */
  readonly samples?: number
}

/** A limit with hysteresis. Scores 0 or 1. `leave` below `enter` guards a maximum, above it a minimum. */
export function createThreshold({ enter, leave, samples = 1 }: ThresholdOptions): Detector {
  const isMaximum = leave <= enter
  let isOn = false
  let run = 0
  return {
    update({ value }) {
      if (!Number.isFinite(value)) return isOn ? 1 : 0
      const limit = isOn ? leave : enter
      const beyond = isMaximum ? value >= limit : value <= limit
      run = beyond === isOn ? 0 : run + 1
      if (run >= samples) {
        isOn = !isOn
        run = 0
      }
      return isOn ? 1 : 0
    },
  }
}
