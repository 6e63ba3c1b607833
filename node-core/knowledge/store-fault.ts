import Database from 'better-sqlite3'
import { FaultError, messageOf } from '../platform/error.ts'

export type StoreFault =
  /** The disk, a quota or a limit of the database is exhausted. Nothing of the transaction was kept. */
  | { code: 'STORE_FULL'; path: string }
  /** Another process held the database for longer than the wait. */
  | { code: 'STORE_LOCKED'; path: string }
  /** The file is not a database, or its contents contradict themselves. */
  | { code: 'STORE_CORRUPT'; path: string; detail: string }
  | { code: 'STORE_READ_ONLY'; path: string }
  /** It cannot be opened: missing rights, a missing directory, a directory in its place. */
  | { code: 'STORE_UNREADABLE'; path: string }
  /** A newer version of the program wrote it. */
  | { code: 'STORE_NEWER'; path: string; found: number; supported: number }
  /** A database of another program. */
  | { code: 'STORE_FOREIGN'; path: string }
  /** Used after `close`. */
  | { code: 'STORE_CLOSED'; path: string }
  /** The operating system failed a read or a write for another reason. */
  | { code: 'STORE_IO'; path: string; detail: string }
  /** A statement broke a rule of the schema: a defect of this program. */
  | { code: 'STORE_REJECTED'; path: string; detail: string }

export type StoreFaultCode = StoreFault['code']

const SET_ASIDE_HINT =
  'Restore a backup. A member that has none can move the file away and x0t join again with a new invite.'

/** What to do about a fault of the store, for a person. */
const HINTS: Readonly<Record<StoreFaultCode, string | undefined>> = {
  STORE_FULL: 'Free some space on the disk that holds the home; nothing else has to be done.',
  STORE_LOCKED: 'Another program has the database open: close it and try again.',
  STORE_CORRUPT: SET_ASIDE_HINT,
  STORE_READ_ONLY: 'Make the home writable for the user who runs the node.',
  STORE_UNREADABLE: 'The home and knowledge.db have to belong to the user who runs the node.',
  STORE_NEWER:
    'Run the newer version again, or put back the copy that it made before it changed the store (knowledge.db.before-v...).',
  STORE_FOREIGN: 'Name the home of a node with --home.',
  STORE_CLOSED: undefined,
  STORE_IO: 'Look at the health of the disk.',
  STORE_REJECTED: undefined,
}

export function storeError(fault: StoreFault, message: string, cause?: unknown): FaultError<StoreFault> {
  const hint = HINTS[fault.code]
  return new FaultError<StoreFault>(fault, message, { cause, ...(hint === undefined ? {} : { hint }) })
}

export function corrupt(path: string, detail: string, cause?: unknown): FaultError<StoreFault> {
  return storeError({ code: 'STORE_CORRUPT', path, detail }, `${path} is damaged: ${detail}`, cause)
}

/** Runs `work` and turns whatever SQLite throws into a fault of the store. Other errors pass through. */
export function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toStoreError(path, error)
  }
}

/**
 * The fault behind an error of SQLite, by its result code (https://sqlite.org/rescode.html). Codes are compared by
 * their primary part, because the extended ones grow with each version.
 */
function toStoreError(path: string, error: unknown): unknown {
  if (error instanceof TypeError && /connection is not open/.test(error.message)) {
    return storeError({ code: 'STORE_CLOSED', path }, `${path} is closed`, error)
  }
  if (!(error instanceof Database.SqliteError)) return error
  const detail = messageOf(error)
  const is = (...codes: readonly string[]): boolean =>
    codes.some((code) => error.code === code || error.code.startsWith(`${code}_`))
  // SHMSIZE: the shared-memory file beside the database could not grow, which is how a full disk looks to WAL.
  if (is('SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE')) {
    return storeError({ code: 'STORE_FULL', path }, `no space is left for ${path}`, error)
  }
  if (is('SQLITE_BUSY', 'SQLITE_LOCKED')) {
    return storeError({ code: 'STORE_LOCKED', path }, `${path} is in use by another program`, error)
  }
  if (is('SQLITE_CORRUPT', 'SQLITE_NOTADB')) return corrupt(path, detail, error)
  if (is('SQLITE_READONLY', 'SQLITE_PERM')) {
    return storeError({ code: 'STORE_READ_ONLY', path }, `${path} cannot be written`, error)
  }
  if (is('SQLITE_CANTOPEN', 'SQLITE_AUTH')) {
    return storeError({ code: 'STORE_UNREADABLE', path }, `${path} cannot be opened: ${detail}`, error)
  }
  if (is('SQLITE_IOERR')) {
    return storeError({ code: 'STORE_IO', path, detail }, `${path}: ${detail} (${error.code})`, error)
  }
  return storeError({ code: 'STORE_REJECTED', path, detail }, `${path} refused a statement: ${detail}`, error)
}

export function isStoreFault(fault: { readonly code: string }): fault is StoreFault {
  return Object.hasOwn(HINTS, fault.code)
}
