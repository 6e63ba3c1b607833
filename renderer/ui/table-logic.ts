/** What of a column sorting, searching and exporting need. */
export interface ValueColumn<T> {
  readonly key: string
  readonly label: string
  readonly value?: (row: T) => string | number | null
}

export interface Sorting {
  readonly key: string
  readonly down: boolean
}

/** `name` sorts up, `-name` down. */
export const sortingOf = (text: string): Sorting =>
  text.startsWith('-') ? { key: text.slice(1), down: true } : { key: text, down: false }

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), undefined, { numeric: true })
}

/** The rows that hold the text in any column, in order. What is unknown stands last in either direction. */
export function sortRows<T>(
  rows: readonly T[],
  columns: readonly ValueColumn<T>[],
  { key, down }: Sorting,
  search: string,
): readonly T[] {
  const needle = search.trim().toLowerCase()
  const found =
    needle === ''
      ? rows
      : rows.filter((row) =>
          columns.some(({ value }) => {
            const held = value?.(row)
            return held !== undefined && held !== null && String(held).toLowerCase().includes(needle)
          }),
        )
  const value = columns.find((column) => column.key === key)?.value
  if (value === undefined) return found
  return [...found].sort((left, right) => {
    const a = value(left)
    const b = value(right)
    if (a === null || b === null) return Number(a === null) - Number(b === null)
    return down ? compare(b, a) : compare(a, b)
  })
}

/**
 * RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it: names in a table come from
 * other machines.
 */
export function toCsv<T>(rows: readonly T[], columns: readonly ValueColumn<T>[]): string {
  const told = columns.filter(({ value }) => value !== undefined)
  const lines = [
    told.map(({ label }) => csvCell(label)),
    ...rows.map((row) => told.map(({ value }) => csvCell(value?.(row) ?? ''))),
  ]
  return `${lines.map((cells) => cells.join(',')).join('\r\n')}\r\n`
}

function csvCell(value: string | number): string {
  const text = String(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
