import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSql, type Sql } from './sql.ts'

/** https://sqlite.org/pragma.html#pragma_synchronous */
const NORMAL = 1
const FULL = 2

describe('sql', () => {
  let database: Database.Database
  let sql: Sql
  const safety = (): unknown => database.pragma('synchronous', { simple: true })

  beforeEach(() => {
    database = new Database(':memory:')
    database.pragma('synchronous = FULL')
    database.exec('CREATE TABLE t (n INTEGER) STRICT')
    sql = createSql(database, ':memory:')
  })
  afterEach(() => database.close())

  it('does not wait for the disk for what is learned again, and does so for all else', () => {
    const seen = [safety(), sql.relaxed(safety), safety(), sql.atomic(safety)]
    expect(seen).toEqual([FULL, NORMAL, FULL, FULL])
  })

  it('keeps all of it or nothing, and is as careful as before when it fails', () => {
    const insert = sql.command('INSERT INTO t VALUES (?)')
    const failing = (): void =>
      sql.relaxed(() => {
        insert(1)
        throw new TypeError('no more')
      })
    expect(failing).toThrow('no more')
    expect(sql.query('SELECT n FROM t').all()).toEqual([])
    expect(safety()).toBe(FULL)
  })

  it('is as safe as the transaction that it is part of', () => {
    expect(sql.atomic(() => sql.relaxed(safety))).toBe(FULL)
  })
})
