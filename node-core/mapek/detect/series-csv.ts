import { ALARM_SCORE } from './detector.ts'
import { createSeriesDetector } from './series-detector.ts'

export { ALARM_SCORE }

/** Below this many, an epoch is in seconds: in milliseconds it would be 1973. */
const SECONDS_BELOW = 1e11
const UNKNOWN_STEP_MS = 60_000

/** `2014-04-10 07:15:00` (taken as UTC), ISO 8601, or an epoch in seconds or milliseconds. NaN for anything else. */
export function parseMoment(text: string): number {
  const trimmed = text.trim()
  if (/^-?\d+(?:\.\d+)?$/.test(trimmed)) {
    const epoch = Number(trimmed)
    return Math.abs(epoch) < SECONDS_BELOW ? epoch * 1_000 : epoch
  }
  const parts =
    /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(?:Z|\+00:?00)?$/.exec(
      trimmed,
    )
  if (parts === null) return Date.parse(trimmed)
  const [year, month, day, hour, minute, second] = parts.slice(1).map((part) => Number(part ?? 0))
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0, second ?? 0)
}

const cell = (text: string | undefined): string => (text ?? '').trim().replace(/^"(.*)"$/, '$1')

/**
 * Scores a series line by line. `line` answers the line to print: `timestamp,value,anomaly_score`, the first two as they
 * were; undefined for the header and for empty lines. What it says of a line depends on the lines before and on nothing else.
 */
export function createCsvScorer(): { line(text: string): string | undefined } {
  const detector = createSeriesDetector()
  let columns: { readonly moment: number; readonly value: number } | undefined
  let lastAt = Number.NaN
  let stepMs = UNKNOWN_STEP_MS

  return {
    line(text) {
      if (text.trim() === '') return undefined
      const cells = text
        .replace(/^\uFEFF/, '')
        .split(',')
        .map(cell)
      if (columns === undefined) {
        const names = cells.map((name) => name.toLowerCase())
        const value = names.indexOf('value')
        const moment = names.findIndex((name) => /^(?:timestamp|timestamps|time|date|datetime)$/.test(name))
        const isHeader =
          value >= 0 ||
          moment >= 0 ||
          (Number.isNaN(parseMoment(names[0] ?? '')) && !/\d/.test(names[1] ?? ''))
        columns = { moment: Math.max(0, moment), value: value >= 0 ? value : 1 }
        if (isHeader) return undefined
      }
      const [moment, value] = [cells[columns.moment] ?? '', cells[columns.value] ?? '']
      const parsed = parseMoment(moment)
      // A row without a time is one step after the last.
      const at = Number.isNaN(parsed) ? (Number.isNaN(lastAt) ? 0 : lastAt + stepMs) : parsed
      if (at > lastAt) stepMs = at - lastAt
      lastAt = at
      const score = detector.update({ at, value: value === '' ? Number.NaN : Number(value) })
      return `${moment},${value},${score.toFixed(6)}`
    },
  }
}
