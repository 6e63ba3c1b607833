import { oneLine, type Paint, type Tone } from './style.ts'

export type Cell = string | { readonly text: string; readonly tone: Tone }

const textOf = (cell: Cell): string => oneLine(typeof cell === 'string' ? cell : cell.text)

/** Columns aligned by their widest cell, two spaces between, nothing after the last. */
export function renderTable(
  paint: Paint,
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => textOf(row[column] ?? '').length)),
  )
  const line = (cells: readonly Cell[], tone?: Tone): string =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? ''
        const text = textOf(cell)
        const shade = tone ?? (typeof cell === 'string' ? undefined : cell.tone)
        const padding = column === widths.length - 1 ? '' : ' '.repeat(width - text.length)
        return (shade === undefined ? text : paint(shade, text)) + padding
      })
      .join('  ')
      .trimEnd()
  return [line(headings, 'bold'), ...rows.map((row) => line(row))].join('\n')
}

/** `name  value` lines with the values aligned. */
export function renderPairs(pairs: readonly (readonly [string, Cell])[], paint: Paint): string {
  const width = Math.max(...pairs.map(([name]) => name.length))
  return pairs
    .map(([name, cell]) => {
      const text = textOf(cell)
      return `${name.padEnd(width)}  ${typeof cell === 'string' ? text : paint(cell.tone, text)}`
    })
    .join('\n')
}
