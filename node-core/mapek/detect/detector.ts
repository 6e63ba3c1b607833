/** One value of a series at a moment, milliseconds since the Unix epoch. */
export interface Sample {
  readonly at: number
  readonly value: number
}

/**
 * A pure streaming function: its answer depends on the samples given to it so far, and on nothing else. Memory is
 * bounded per series. A value that is not a finite number is no sample: the score for it is 0 and the state stays.
 */
export interface Detector {
  /** 0 (as ever) to 1 (nothing like it was ever seen). From `ALARM_SCORE` on, somebody should know. */
  update(sample: Sample): number
}

export const ALARM_SCORE = 0.5

/** The surprise of which the score is `ALARM_SCORE`, where `npm run eval:detect -- --series` had its best F1. */
const ALARM_SURPRISE = 3.8

/** From surprise, -log10 of how likely something at least as strange was, to a score: 0 at 0, 0.5 at 4, towards 1. */
export const scoreOf = (surprise: number): number =>
  surprise <= 0 ? 0 : surprise ** 2 / (surprise ** 2 + ALARM_SURPRISE ** 2)
