import Database from 'better-sqlite3'
import { prepareFile } from '../prepare-file.ts'
import { createSql, type Sql } from '../sql.ts'
import { corrupt, guarded, storeError } from '../store-fault.ts'

/** `x0ts` in ASCII. */
const APPLICATION_ID = 0x78307473
const SCHEMA_VERSION = 1
/** A block of some hundred samples is one row of one page, without pages of overflow. */
const PAGE_BYTES = 8_192
const CACHE_KIB = 512
/** Above the limit that is kept to by forgetting, so that forgetting has room to work in. */
const HARD_LIMIT = 1.25

/**
 * Rows of blocks and rollups are in the order in which they were written, which is the order of time: writing touches
 * few pages, and forgetting the oldest frees whole ones. `chunks` are the last minutes of all series, as they came.
 */
const SCHEMA = `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    metric TEXT NOT NULL,
    subject TEXT NOT NULL,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    last_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE chunks (seq INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
  -- One row at most: all chunks up to \`through\` are in blocks already for the series up to \`cursor\`.
  CREATE TABLE folding (id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL, cursor INTEGER NOT NULL) STRICT;
  CREATE TABLE blocks (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    count INTEGER NOT NULL,
    data BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX blocks_by_start ON blocks (series, start);
  CREATE TABLE rollups_1m (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX rollups_1m_by_start ON rollups_1m (series, start);
  CREATE TABLE rollups_1h (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX rollups_1h_by_start ON rollups_1h (series, start);
  CREATE TABLE topology_snapshots (at INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT;
  CREATE TABLE topology_changes (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, change TEXT NOT NULL) STRICT;
  CREATE INDEX topology_changes_by_time ON topology_changes (at, id);
`

export interface SeriesDatabase {
  readonly sql: Sql
  /** What is in use, without pages that were freed. */
  usedBytes(): number
  /** What is in the log and not in the file yet. */
  logBytes(): number
  /**
   * Copies the log into the file. Neither is synchronised here: whoever calls it has synchronised the log before, and
   * writes nothing until the file is synchronised too. Tells whether all of it was copied.
   */
  copyLog(): boolean
  close(): void
}

/** @throws FaultError of StoreFault */
export function openSeriesDatabase(path: string, maxBytes: number): SeriesDatabase {
  prepareFile(path)
  const database = guarded(path, () => new Database(path, { timeout: 0 }))
  try {
    guarded(path, () => prepare(database, path, maxBytes))
  } catch (error) {
    database.close()
    throw error
  }
  const number = (name: string): number =>
    guarded(path, () => Number(database.pragma(name, { simple: true })))
  type State = { busy: number; log: number; checkpointed: number }
  // Prepared once: it is asked every second, and preparing costs more than the answer.
  const checkpoints = guarded(path, () => ({
    look: database.prepare<[], State>('PRAGMA wal_checkpoint(NOOP)'),
    copy: database.prepare<[], State>('PRAGMA wal_checkpoint(PASSIVE)'),
  }))
  const checkpoint = (kind: keyof typeof checkpoints): State =>
    guarded(path, () => checkpoints[kind].get() ?? { busy: 1, log: 0, checkpointed: 0 })
  return {
    sql: createSql(database, path),
    usedBytes: () => (number('page_count') - number('freelist_count')) * PAGE_BYTES,
    logBytes() {
      const { log, checkpointed } = checkpoint('look')
      return (log - checkpointed) * PAGE_BYTES
    },
    copyLog() {
      const { busy, log, checkpointed } = checkpoint('copy')
      return busy === 0 && log === checkpointed
    },
    close: () => void database.close(),
  }
}

function prepare(database: Database.Database, path: string, maxBytes: number): void {
  const number = (name: string): number => Number(database.pragma(name, { simple: true }))
  database.pragma(`page_size = ${PAGE_BYTES}`)
  database.pragma('journal_mode = WAL')
  // The log is synchronised by whoever writes, in the background: see SeriesWriter.
  database.pragma('synchronous = OFF')
  database.pragma('wal_autocheckpoint = 0')
  database.pragma(`cache_size = -${CACHE_KIB}`)
  database.pragma('trusted_schema = OFF')
  database.pragma('cell_size_check = ON')
  database.pragma(`max_page_count = ${Math.ceil((maxBytes * HARD_LIMIT) / PAGE_BYTES)}`)
  const version = number('user_version')
  if (database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined) {
    database.transaction(() => {
      database.exec(SCHEMA)
      database.pragma(`application_id = ${APPLICATION_ID}`)
      database.pragma(`user_version = ${SCHEMA_VERSION}`)
    })()
    return
  }
  if (number('application_id') !== APPLICATION_ID) {
    throw storeError({ code: 'STORE_FOREIGN', path }, `${path} is a database of another program`)
  }
  if (version > SCHEMA_VERSION) {
    const fault = { code: 'STORE_NEWER', path, found: version, supported: SCHEMA_VERSION } as const
    throw storeError(fault, `${path} was written by a newer version of x0t`)
  }
  // Damage in the tree of tables shows here; damage in the blocks when they are read.
  if (database.prepare('SELECT count(*) FROM folding').get() === undefined) throw corrupt(path, 'it is empty')
}
