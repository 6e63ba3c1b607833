import type Database from 'better-sqlite3'
import { corrupt, guarded } from './store-fault.ts'

/** What SQLite stores in a STRICT table. */
export type SqlValue = string | number | Uint8Array | null
/** A row as SQLite gives it: the columns that the statement names. */
type SqlRow = Readonly<Record<string, SqlValue>>

/** A database whose every failure is a fault of the store. Statements are compiled once, when a repository is made. */
export interface Sql {
  /** For the messages of faults. */
  readonly path: string
  query<Row extends SqlRow>(source: string): SqlQuery<Row>
  /** A statement that changes rows; calling it tells how many. */
  command(source: string): (...values: readonly SqlValue[]) => number
  /** Runs `work` in one transaction that holds the write lock from its first moment; all of it is kept or nothing. */
  atomic<T>(work: () => T): T
  /**
   * The same for what this node learns again by itself. It is whole, and safe from the end of this process, but not
   * waited for until it is on the disk: the power can take it, and whatever is kept without this takes it along.
   */
  relaxed<T>(work: () => T): T
}

export interface SqlQuery<Row> {
  get(...values: readonly SqlValue[]): Row | undefined
  all(...values: readonly SqlValue[]): readonly Row[]
}

/** Hears how each statement went, to tell when a store begins to fail and when it works again. */
export interface SqlWatch {
  failed(error: unknown): void
  written(): void
}

const NO_WATCH: SqlWatch = { failed() {}, written() {} }

export function createSql(database: Database.Database, path: string, watch: SqlWatch = NO_WATCH): Sql {
  const watched = <T>(work: () => T): T => {
    try {
      return guarded(path, work)
    } catch (error) {
      watch.failed(error)
      throw error
    }
  }
  // IMMEDIATE: a deferred transaction that reads first may find, when it comes to write, that it cannot.
  const atomic = <T>(work: () => T): T => {
    const result = watched(() => database.transaction(work).immediate())
    if (!database.inTransaction) watch.written()
    return result
  }
  return {
    path,
    query<Row extends SqlRow>(source: string): SqlQuery<Row> {
      const statement = guarded(path, () => database.prepare<SqlValue[], Row>(source))
      return {
        get: (...values) => watched(() => statement.get(...values)),
        all: (...values) => watched(() => statement.all(...values)),
      }
    },
    command(source) {
      const statement = guarded(path, () => database.prepare<SqlValue[]>(source))
      return (...values) => {
        const { changes } = watched(() => statement.run(...values))
        if (!database.inTransaction) watch.written()
        return changes
      }
    },
    atomic,
    relaxed(work) {
      // Within a transaction it cannot be changed, and the whole of it is as safe as it was begun.
      if (database.inTransaction) return atomic(work)
      // In WAL mode NORMAL leaves the sync to the next commit that asks for it: https://sqlite.org/pragma.html
      const before = Number(database.pragma('synchronous', { simple: true }))
      database.pragma('synchronous = NORMAL')
      try {
        return atomic(work)
      } finally {
        database.pragma(`synchronous = ${before}`)
      }
    },
  }
}

/** Plain bytes of their own, instead of a Buffer. */
export const toBytes = (value: Uint8Array): Uint8Array => new Uint8Array(value)

export const orNull = <T extends SqlValue>(value: T | undefined): T | null => value ?? null
export const orUndefined = <T>(value: T | null): T | undefined => value ?? undefined

/**
 * A stored text parsed on its way out. The file could have been changed by anybody who could write to it, so what is
 * not of its kind is damage and not a value.
 *
 * @throws FaultError STORE_CORRUPT
 */
export function parsed<T>(sql: Sql, raw: string, parse: (raw: string) => T | undefined, what: string): T {
  const value = parse(raw)
  if (value === undefined) throw corrupt(sql.path, `it holds something that is not a ${what}`)
  return value
}
