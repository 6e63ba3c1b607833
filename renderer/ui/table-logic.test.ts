import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sortingOf, sortRows, toCsv, type ValueColumn } from './table-logic.ts'

interface Row {
  readonly name: string
  readonly rttMs: number | null
}

const columns: readonly ValueColumn<Row>[] = [
  { key: 'name', label: 'Name', value: ({ name }) => name },
  { key: 'rtt', label: 'Round trip', value: ({ rttMs }) => rttMs },
  { key: 'actions', label: 'Actions' },
]
const rows: readonly Row[] = [
  { name: 'node-10', rttMs: 3 },
  { name: 'node-2', rttMs: null },
  { name: 'node-1', rttMs: 20 },
]
const names = (sort: string, search = '') =>
  sortRows(rows, columns, sortingOf(sort), search).map(({ name }) => name)

it('sorts numbers as numbers, names as people count, and what is unknown last in either direction', () => {
  expect(names('name')).toEqual(['node-1', 'node-2', 'node-10'])
  expect(names('rtt')).toEqual(['node-10', 'node-1', 'node-2'])
  expect(names('-rtt')).toEqual(['node-1', 'node-10', 'node-2'])
  expect(names('actions')).toEqual(['node-10', 'node-2', 'node-1'])
})

it('finds text in any column', () => {
  expect(names('', 'DE-1')).toEqual(['node-10', 'node-1'])
  expect(names('', '20')).toEqual(['node-1'])
  expect(names('', 'nowhere')).toEqual([])
})

it('never loses or doubles a row by sorting', () => {
  const row = fc.record({ name: fc.string(), rttMs: fc.option(fc.double({ noNaN: true })) })
  fc.assert(
    fc.property(fc.array(row), fc.constantFrom('name', '-name', 'rtt', '-rtt', 'x'), (all, sort) => {
      const sorted = sortRows(all, columns, sortingOf(sort), '')
      expect(new Set(sorted)).toEqual(new Set(all))
      expect(sorted).toHaveLength(all.length)
    }),
  )
})

it('exports what a spreadsheet reads as text, also when a name would be a formula', () => {
  const hostile = [{ name: '=HYPERLINK("http://x","y")', rttMs: -1 }]
  expect(toCsv(hostile, columns)).toBe('Name,Round trip\r\n"\'=HYPERLINK(""http://x"",""y"")",-1\r\n')
})
