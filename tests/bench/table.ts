/** One line of a report. */
export interface SummaryRow {
  readonly metric: string
  readonly unit: string
  readonly median: number
  /** The slow end: the 95th percentile of a time, the 5th of a rate. */
  readonly p95: number
  /** The slowest of all, the most of what was lost. */
  readonly worst: number
  readonly n: number
}

const HEADINGS = ['metric', 'unit', 'median', 'p95', 'worst', 'n'] as const

/** A report's summary for people. */
export function table(rows: readonly SummaryRow[]): string {
  const number = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(value >= 100 ? 0 : 2))
  const cells = rows.map((row) => [
    ...[row.metric, row.unit],
    ...[row.median, row.p95, row.worst].map(number),
    String(row.n),
  ])
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return [HEADINGS, ...cells].map(line).join('\n')
}
