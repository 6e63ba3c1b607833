import type { ReactNode } from 'react'
import { useState } from 'react'
import { useText } from '../text/text.ts'
import { ActionButton, TextField } from './controls.tsx'
import { saveFile } from './files.ts'
import { Icon } from './icon.tsx'
import { useFilter } from './route.ts'
import { type Sorting, sortingOf, sortRows, toCsv } from './table-logic.ts'

export interface Column<T> {
  readonly key: string
  readonly label: string
  readonly cell: (row: T) => ReactNode
  /** What it is sorted, searched and exported by; a column without is for actions. */
  readonly value?: (row: T) => string | number | null
  readonly end?: boolean
}

interface DataTableProps<T> {
  /** Says what the table is, to those who do not see what stands around it; also the name of an exported file. */
  readonly label: string
  /** Keeps the sorting of this table apart from others in one address. */
  readonly id: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly rowKey: (row: T) => string
  readonly sortBy?: string
  readonly searchable?: boolean
  /** Shown beside the search: filters of the page. */
  readonly tools?: ReactNode
  readonly empty: ReactNode
}

const FIRST_ROWS = 200

/** A table that is sorted, searched and exported; on a narrow screen each row becomes a card. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { label, id, rows, columns, rowKey, sortBy = '', searchable = false, tools, empty } = props
  const t = useText()
  const [sortText, setSort] = useFilter(`${id}.sort`)
  const [search, setSearch] = useFilter(`${id}.find`)
  const [limit, setLimit] = useState(FIRST_ROWS)
  const sorting = sortingOf(sortText === '' ? sortBy : sortText)
  const found = sortRows(rows, columns, sorting, search)
  const shown = found.slice(0, limit)
  return (
    <>
      {(searchable || tools !== undefined) && (
        <div className="table-tools">
          {searchable && (
            <TextField
              label={t('table.search')}
              hideLabel
              type="search"
              icon="search"
              value={search}
              onChange={setSearch}
            />
          )}
          {tools}
          <span className="grow" />
          <ActionButton
            variant="subtle"
            icon="download"
            onClick={() => saveFile(`${label}.csv`, 'text/csv', toCsv(found, columns))}
          >
            {t('table.export')}
          </ActionButton>
        </div>
      )}
      {shown.length === 0 ? (
        rows.length === 0 ? (
          empty
        ) : (
          <p className="empty">{t('table.noneFound')}</p>
        )
      ) : (
        <div className="table-wrap">
          <table className="table" aria-label={label}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <HeadCell key={column.key} column={column} sorting={sorting} onSort={setSort} />
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={rowKey(row)}>
                  {columns.map((column, index) => (
                    <BodyCell key={column.key} column={column} row={row} head={index === 0} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.length > limit && (
        <div className="table-foot">
          <span>{t('table.shown', { shown: shown.length, all: found.length })}</span>
          <ActionButton variant="subtle" onClick={() => setLimit(limit + FIRST_ROWS)}>
            {t('table.more')}
          </ActionButton>
        </div>
      )}
    </>
  )
}

interface HeadCellProps<T> {
  readonly column: Column<T>
  readonly sorting: Sorting
  readonly onSort: (sort: string) => void
}

function HeadCell<T>({ column, sorting, onSort }: HeadCellProps<T>) {
  const end = column.end === true ? 'cell-end' : undefined
  if (column.value === undefined) {
    return (
      <th scope="col" className={end}>
        <span className="sr-only">{column.label}</span>
      </th>
    )
  }
  const active = sorting.key === column.key
  return (
    <th
      scope="col"
      className={end}
      aria-sort={active ? (sorting.down ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        className="sort"
        data-active={active || undefined}
        onClick={() => onSort(active && !sorting.down ? `-${column.key}` : column.key)}
      >
        {column.label}
        <Icon name={active && sorting.down ? 'down' : 'up'} size={12} />
      </button>
    </th>
  )
}

interface BodyCellProps<T> {
  readonly column: Column<T>
  readonly row: T
  readonly head: boolean
}

function BodyCell<T>({ column, row, head }: BodyCellProps<T>) {
  const names = [
    column.end === true ? 'cell-end' : '',
    column.value === undefined ? 'cell-actions' : '',
  ].filter((name) => name !== '')
  const className = names.length === 0 ? undefined : names.join(' ')
  if (head) {
    return (
      <th scope="row" className={className}>
        {column.cell(row)}
      </th>
    )
  }
  return (
    <td className={className} data-label={column.label}>
      <span>{column.cell(row)}</span>
    </td>
  )
}
