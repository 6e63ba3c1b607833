import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'

/** Puts a whole file in place of the one that is there, or leaves that one as it is. */
export function writeWhole(path: string, content: Uint8Array): void {
  const draft = `${path}.new`
  try {
    const file = openSync(draft, 'w', 0o644)
    try {
      writeSync(file, content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
