import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { z } from 'zod'
import type { Clock } from '../platform/clock.ts'
import { FaultError, messageOf } from '../platform/error.ts'

export type HomeLockFault =
  /** Another process uses the home. What it said of itself, where that could be read. */
  | { code: 'HOME_IN_USE'; path: string; holder: HomeHolder | undefined }
  | { code: 'HOME_LOCK_FAILED'; path: string }

/** For a message alone: whether the lock is held is never decided by it. */
export interface HomeHolder {
  readonly pid: number
  /** Wall clock, ms since the epoch. */
  readonly sinceMs: number
}

export interface HomeLock {
  /** Can be called twice. */
  release(): void
}

/**
 * Takes the home for this process, or fails at once.
 *
 * The lock is the write lock of an empty SQLite database, which is a lock of the operating system on a byte range of
 * the file (fcntl on POSIX, LockFileEx on Windows). It ends with the process whatever way the process ends, is not
 * inherited by children, and needs no space on the disk. A file with a pid in it is no lock: numbers are used again,
 * soonest after a reboot and in containers, and two starting processes race to remove a stale one. A listening socket
 * has the same race for the file it leaves behind, or needs a name that any other user can take first.
 *
 * Nothing else in this process may open the file: on POSIX, closing any descriptor of a file drops the locks on it.
 *
 * @throws FaultError HOME_IN_USE, HOME_LOCK_FAILED
 */
export function takeHomeLock(deps: { readonly clock: Clock }, path: string): HomeLock {
  const database = open(path)
  try {
    database.exec('BEGIN IMMEDIATE')
  } catch (error) {
    database.close()
    throw isBusy(error) ? inUse(path, readHolder(path)) : failed(path, error)
  }
  writeHolder(path, { pid: process.pid, sinceMs: deps.clock.now() })
  return {
    // The file stays: if it were removed, two processes could each hold a lock on a file of that name.
    release: () => void database.close(),
  }
}

function open(path: string): Database.Database {
  try {
    // SQLite would make the file readable for others. Made only when it is missing, so that no descriptor of a lock
    // that this process holds is ever closed here.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
    return new Database(path, { timeout: 0 })
  } catch (error) {
    throw failed(path, error)
  }
}

const holderFile = (path: string): string => `${path}.holder`
const holderSchema = z.object({ pid: z.int().positive(), sinceMs: z.number() })

function writeHolder(path: string, holder: HomeHolder): void {
  try {
    writeFileSync(holderFile(path), JSON.stringify(holder), { mode: 0o600 })
  } catch {
    // For messages alone: a full disk must not keep a node from starting.
  }
}

function readHolder(path: string): HomeHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(holderFile(path), 'utf8')))
  } catch {
    // The holder could not write it, or is about to: it cannot be named, and that is all.
    return undefined
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}

function inUse(path: string, holder: HomeHolder | undefined): FaultError<HomeLockFault> {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}`
  return new FaultError<HomeLockFault>(
    { code: 'HOME_IN_USE', path, holder },
    `${who} already uses this home`,
    {
      hint: 'See it with x0t status, stop it with x0t down, or name another home with --home.',
    },
  )
}

function failed(path: string, cause: unknown): FaultError<HomeLockFault> {
  const text = `the home cannot be locked: ${messageOf(cause)} (${path})`
  return new FaultError<HomeLockFault>({ code: 'HOME_LOCK_FAILED', path }, text, {
    cause,
    hint: 'The home has to be writable for its user. With no node running, the lock file can be removed.',
  })
}
