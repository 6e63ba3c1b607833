/** One line of a report. */
export interface SummaryRow {
  readonly metric: string
  readonly unit: string
  readonly median: number
  /** The slow end: the 95th percentile of a time, the 5th of a rate. */
  readonly p95: number
  readonly n: number
}

const HEADINGS = ['metric', 'unit', 'median', 'p95', 'n'] as const

/** A report's summary for people. */
export function table(rows: readonly SummaryRow[]): string {
  const number = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(value >= 100 ? 0 : 2))
  const cells = rows.map((row) => [row.metric, row.unit, number(row.median), number(row.p95), String(row.n)])
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...cells.map((row) => row[i]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return [HEADINGS, ...cells].map(line).join('\n')
}
