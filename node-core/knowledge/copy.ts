import { closeSync, openSync, readFileSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { guarded } from './store-fault.ts'

/**
 * The whole store as one file, of one moment, while another process may be writing to it. `temporary` is where it is put
 * together, beside the store.
 *
 * @throws FaultError of StoreFault
 */
export function copyStore(path: string, temporary: string): Uint8Array {
  rmSync(temporary, { force: true })
  // SQLite fills an empty file that is there, so the copy never has a wider mode than the store.
  closeSync(openSync(temporary, 'wx', 0o600))
  try {
    guarded(path, () => {
      const database = new Database(path, { fileMustExist: true, timeout: 5_000 })
      try {
        database.pragma('trusted_schema = OFF')
        database.prepare('VACUUM INTO ?').run(temporary)
      } finally {
        database.close()
      }
    })
    return new Uint8Array(readFileSync(temporary))
  } finally {
    rmSync(temporary, { force: true })
  }
}
