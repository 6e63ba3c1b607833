import type { Detector } from './detector.ts'

export interface AbsenceOptions {
  /** Nothing for so long is an alarm. */
  readonly afterMs: number
}

/**
 * No data. A sample that is a number proves that there is some; ask with `NaN` at any time in between. The score is the
 * silence over twice that which makes an alarm. Silent from the start counts from the first question.
 */
export function createAbsence({ afterMs }: AbsenceOptions): Detector {
  let heardAt: number | undefined
  return {
    update({ at, value }) {
      heardAt ??= at
      if (Number.isFinite(value) || at < heardAt) heardAt = at
      return Math.min(1, (at - heardAt) / (2 * afterMs))
    },
  }
}
