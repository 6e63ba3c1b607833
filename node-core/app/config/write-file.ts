import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Puts a text in place of a file, or removes the file: after a crash there is the old one or the new one, whole. The
 * caller holds the home's lock, so nobody else writes beside it.
 */
export function replaceFile(path: string, text: string | null): void {
  if (text === null) rmSync(path, { force: true })
  else {
    const temporary = `${path}.new`
    rmSync(temporary, { force: true })
    const file = openSync(temporary, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  }
  syncDirectory(dirname(path))
}

/** A rename is on the disk once its directory is. Windows has no such call and needs none. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
