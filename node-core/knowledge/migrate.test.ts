import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultError } from '../platform/error.ts'
import { silentLogger } from '../platform/logger.ts'
import { openKnowledge } from './knowledge.ts'
import { MIGRATIONS } from './migrations/all.ts'
import type { Migration } from './migrations/migration.ts'

/** SHA-256 of every released step, whitespace aside. A step that has to change is a new step. */
const RELEASED: readonly string[] = [
  '414752f539ce41fd459fd93ebaa88c3f51b3fbf25228221a608ba5afc2ea4770',
  '445196ac72d634d1c9316dae31fcca94878e46c1dad6f2b11c78ff365b9e4a77',
  '1503b70e527c06b9009b10acd6ed3399b644660b724b2158a7be824e18876cad',
]

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-migrate-'))
  path = join(folder, 'knowledge.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const openWith = (migrations?: readonly Migration[]): void =>
  openKnowledge(
    { logger: silentLogger },
    { path, ...(migrations === undefined ? {} : { migrations }) },
  ).close()

/** A read-only look at the file with SQLite alone. */
function look<T>(file: string, work: (database: Database.Database) => T): T {
  const database = new Database(file)
  try {
    return work(database)
  } finally {
    database.close()
  }
}
const versionOf = (file: string): unknown => look(file, (db) => db.pragma('user_version', { simple: true }))
const schemaOf = (file: string): unknown =>
  look(file, (db) => db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all())

function faultOf(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof FaultError) return error.fault
    throw error
  }
}

/** A database as the program of that version left it, with a row in it. */
function makeVersion(version: number): void {
  look(path, (db) => {
    db.pragma('application_id = 0x78307431')
    for (const migration of MIGRATIONS.slice(0, version)) db.exec(migration.sql)
    db.pragma(`user_version = ${version}`)
    db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('kept', `from version ${version}`)
  })
}

const next = (sql: string): readonly Migration[] => [
  ...MIGRATIONS,
  { version: MIGRATIONS.length + 1, name: 'next', sql },
]

describe('the steps of the schema', () => {
  it('are numbered without gaps', () => {
    expect(MIGRATIONS.map((migration) => migration.version)).toEqual(MIGRATIONS.map((_, index) => index + 1))
  })

  it('never change once released', () => {
    const hashes = MIGRATIONS.map((migration) =>
      createHash('sha256').update(migration.sql.replaceAll(/\s+/g, ' ').trim()).digest('hex'),
    )
    expect(hashes.slice(0, RELEASED.length)).toEqual(RELEASED)
  })

  it.each(MIGRATIONS.slice(0, -1).map((migration) => migration.version))(
    'lead from version %i to the same schema as an empty file, with what was in it',
    (version) => {
      openWith()
      const fresh = schemaOf(path)
      rmSync(path)
      makeVersion(version)
      const knowledge = openKnowledge({ logger: silentLogger }, { path })
      expect(knowledge.meta.get('kept')).toBe(`from version ${version}`)
      knowledge.close()
      expect(schemaOf(path)).toEqual(fresh)
      expect(versionOf(path)).toBe(MIGRATIONS.length)
    },
  )
})

describe('a migration', () => {
  it('leaves a copy of the database as it was, readable for its user alone', () => {
    makeVersion(1)
    openWith()
    const copy = `${path}.before-v2`
    expect(versionOf(copy)).toBe(1)
    expect(look(copy, (db) => db.prepare('SELECT value FROM meta').pluck().get())).toBe('from version 1')
    expect(statSync(copy).mode & 0o777).toBe(0o600)
  })

  it('makes no copy of an empty file or of one that is up to date', () => {
    openWith()
    openWith()
    expect(readdirSync(folder)).toEqual(['knowledge.db'])
  })

  it('keeps the newest copies only', () => {
    let list = MIGRATIONS
    openWith(list)
    for (let n = 0; n < 5; n += 1) {
      list = [...list, { version: list.length + 1, name: 'more', sql: `CREATE TABLE more_${n} (a)` }]
      openWith(list)
    }
    expect(readdirSync(folder).filter((name) => name.includes('.before-v'))).toHaveLength(3)
    expect(existsSync(`${path}.before-v${list.length}`)).toBe(true)
  })

  it('that fails changes nothing, and the program of before still opens the file', () => {
    openWith()
    const before = schemaOf(path)
    const broken = next('CREATE TABLE half_done (a); CREATE TABLE half_done (a)')
    expect(faultOf(() => openWith(broken))).toMatchObject({ code: 'STORE_REJECTED' })
    expect(schemaOf(path)).toEqual(before)
    expect(versionOf(path)).toBe(MIGRATIONS.length)
    openWith()
  })
})

describe('a database that is not ours to change', () => {
  it('is refused when a newer program wrote it, with the way back in the hint', () => {
    openWith(next('CREATE TABLE from_the_future (a)'))
    expect(faultOf(() => openWith())).toEqual({
      code: 'STORE_NEWER',
      path,
      found: MIGRATIONS.length + 1,
      supported: MIGRATIONS.length,
    })
    expect(() => openWith()).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('newer version') }),
    )
  })

  it('is refused when it belongs to another program, whatever its version says', () => {
    look(path, (db) => db.exec('CREATE TABLE somebody_elses (a)'))
    expect(faultOf(() => openWith())).toMatchObject({ code: 'STORE_FOREIGN' })
    look(path, (db) => db.pragma('user_version = 1'))
    expect(faultOf(() => openWith())).toMatchObject({ code: 'STORE_FOREIGN' })
    expect(schemaOf(path)).toHaveLength(1)
  })
})
