import { closeSync, existsSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type Database from 'better-sqlite3'
import type { Logger } from '../platform/logger.ts'
import type { Migration } from './migrations/migration.ts'
import { guarded, storeError } from './store-fault.ts'

/** `x0t1` in ASCII: tells our database from any other SQLite file. */
const APPLICATION_ID = 0x78307431
const MAX_COPIES = 3

const numberPragma = (database: Database.Database, name: string): number =>
  Number(database.pragma(name, { simple: true }))

/**
 * Brings a database to the newest schema, one transaction per step, after a copy of one that holds something.
 *
 * @throws FaultError STORE_NEWER when a newer program wrote it, STORE_FOREIGN when another program did
 */
export function migrate(
  database: Database.Database,
  path: string,
  migrations: readonly Migration[],
  logger: Logger,
): void {
  guarded(path, () => {
    const from = checkOrigin(database, path, migrations.length)
    if (from === migrations.length) return
    if (from > 0) keepCopy(database, path, from, logger)
    for (const migration of migrations.slice(from)) apply(database, migration)
    logger.info('store migrated', { from, to: migrations.length })
  })
}

/** The version of the schema that is there; 0 for an empty file. */
function checkOrigin(database: Database.Database, path: string, supported: number): number {
  const found = numberPragma(database, 'user_version')
  const empty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (!(empty && found === 0) && numberPragma(database, 'application_id') !== APPLICATION_ID) {
    throw storeError({ code: 'STORE_FOREIGN', path }, `${path} is a database of another program`)
  }
  if (found > supported) {
    throw storeError(
      { code: 'STORE_NEWER', path, found, supported },
      `${path} was written by a newer version of x0t (store version ${found}, this one knows up to ${supported})`,
    )
  }
  return found
}

function apply(database: Database.Database, migration: Migration): void {
  database
    .transaction(() => {
      // Another process may have been here between the look and the lock.
      if (numberPragma(database, 'user_version') >= migration.version) return
      database.exec(migration.sql)
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${migration.version}`)
    })
    .immediate()
}

/** The way back for whoever has to return to the older program: `knowledge.db.before-v3` beside the database. */
function keepCopy(database: Database.Database, path: string, from: number, logger: Logger): void {
  const copy = `${path}.before-v${from + 1}`
  if (existsSync(copy)) rmSync(copy)
  // SQLite fills an empty file that is there, so the copy never has a wider mode than the database.
  closeSync(openSync(copy, 'wx', 0o600))
  database.prepare('VACUUM INTO ?').run(copy)
  syncFile(copy)
  dropOldCopies(path)
  logger.info('store copied before its migration', { copy: basename(copy) })
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function dropOldCopies(path: string): void {
  const prefix = `${basename(path)}.before-v`
  const versions = readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((version) => Number.isInteger(version))
    .sort((a, b) => b - a)
  for (const version of versions.slice(MAX_COPIES)) rmSync(join(dirname(path), `${prefix}${version}`))
}
