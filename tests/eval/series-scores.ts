import type { LabelledSeries } from './synthetic-series.ts'
import { PROBATION } from './synthetic-series.ts'

export interface Scored {
  readonly series: LabelledSeries
  readonly scores: Float64Array
}

export interface Verdict {
  readonly threshold: number
  /** As in the Numenta Anomaly Benchmark's standard profile, over all series: 100 is all found at once and nothing else. */
  readonly nab: number
  readonly precision: number
  readonly recall: number
  readonly f1: number
  /** False alarms per 1,000 rows; rows that follow an alarm within 10 belong to it. */
  readonly falsePer1000: number
}

const sigmoid = (y: number): number => 2 / (1 + Math.exp(5 * y)) - 1
const FALSE_COST = 0.11
const SAME_ALARM_ROWS = 10

interface Tally {
  nab: number
  found: number
  windows: number
  alarms: number
  falseAlarms: number
  rows: number
}

function tally({ series, scores }: Scored, threshold: number, sum: Tally): void {
  const from = Math.floor(PROBATION * scores.length)
  const isFound = series.windows.map(() => false)
  let lastFalse = -SAME_ALARM_ROWS
  let lastWindowEnd = -1
  for (let row = from; row < scores.length; row += 1) {
    if ((scores[row] ?? 0) < threshold) continue
    const at = series.windows.findIndex(([first, last]) => row >= first && row <= last)
    const window = series.windows[at]
    if (window !== undefined) {
      if (isFound[at] === true) continue
      isFound[at] = true
      sum.nab += sigmoid((row - window[1]) / Math.max(1, window[1] - window[0])) / sigmoid(-1)
      sum.alarms += 1
      continue
    }
    lastWindowEnd = Math.max(-1, ...series.windows.map(([, last]) => (last < row ? last : -1)))
    const late = lastWindowEnd < 0 ? 1 : (row - lastWindowEnd) / Math.max(1, 0.1 * scores.length)
    sum.nab += FALSE_COST * sigmoid(Math.min(1, late))
    if (row - lastFalse > SAME_ALARM_ROWS) {
      sum.falseAlarms += 1
      sum.alarms += 1
    }
    lastFalse = row
  }
  sum.found += isFound.filter(Boolean).length
  sum.nab -= isFound.filter((found) => !found).length
  sum.windows += series.windows.length
  sum.rows += scores.length - from
}

export function judgeAt(scored: readonly Scored[], threshold: number): Verdict {
  const sum: Tally = { nab: 0, found: 0, windows: 0, alarms: 0, falseAlarms: 0, rows: 0 }
  for (const one of scored) tally(one, threshold, sum)
  const precision = sum.alarms === 0 ? 1 : sum.found / sum.alarms
  const recall = sum.windows === 0 ? 1 : sum.found / sum.windows
  return {
    ...{ threshold, precision, recall },
    // From nothing found (-1 per window) to all found at once (+1 per window).
    nab: sum.windows === 0 ? 0 : (100 * (sum.nab + sum.windows)) / (2 * sum.windows),
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    falsePer1000: (1_000 * sum.falseAlarms) / sum.rows,
  }
}

/** The verdict at the one threshold, the same for all series, that is best by `by`. */
export function judgeBest(scored: readonly Scored[], by: 'nab' | 'f1'): Verdict {
  const all = Float64Array.from(scored.flatMap(({ scores }) => [...scores])).sort()
  // Everything interesting happens among the highest scores.
  const top = all.slice(Math.floor(all.length * 0.9))
  let best = judgeAt(scored, 2)
  for (let k = 0; k <= 60; k += 1) {
    const share = 1 - (1 - k / 61) ** 3
    const threshold = top[Math.min(top.length - 1, Math.floor(share * top.length))] ?? 1
    const verdict = judgeAt(scored, threshold)
    if (verdict[by] > best[by]) best = verdict
  }
  return best
}

/** Area under precision over recall, row by row: every row of a window is to be found. */
export function areaUnderPrecisionRecall(scored: readonly Scored[]): number {
  const rows: { score: number; hit: boolean }[] = []
  for (const { series, scores } of scored) {
    for (let row = Math.floor(PROBATION * scores.length); row < scores.length; row += 1) {
      const hit = series.windows.some(([first, last]) => row >= first && row <= last)
      rows.push({ score: scores[row] ?? 0, hit })
    }
  }
  rows.sort((a, b) => b.score - a.score)
  const positives = rows.filter(({ hit }) => hit).length
  let found = 0
  let area = 0
  rows.forEach(({ hit }, index) => {
    if (!hit) return
    found += 1
    area += found / (index + 1)
  })
  return positives === 0 ? 0 : area / positives
}
