import { chmodSync, closeSync, fstatSync, openSync } from 'node:fs'
import { messageOf } from '../platform/error.ts'
import { storeError } from './store-fault.ts'

/**
 * Makes the file before SQLite does, which would make it readable for others. SQLite gives `-wal` and `-shm` the same
 * mode. Returns its size.
 */
export function prepareFile(path: string): number {
  try {
    const file = openSync(path, 'a', 0o600)
    try {
      const { size, mode } = fstatSync(file)
      if ((mode & 0o077) !== 0) chmodSync(path, 0o600)
      return size
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const text = `${path} cannot be opened for writing: ${messageOf(error)}`
    throw storeError({ code: openFaultCode(error), path }, text, error)
  }
}

function openFaultCode(error: unknown): 'STORE_FULL' | 'STORE_READ_ONLY' | 'STORE_UNREADABLE' {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'STORE_FULL'
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'STORE_READ_ONLY'
  return 'STORE_UNREADABLE'
}
