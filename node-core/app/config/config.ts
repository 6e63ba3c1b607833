import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { messageOf } from '../../platform/error.ts'
import { type ConfigResult, parseConfig } from './parse-config.ts'

const MAX_FILE_BYTES = 64 * 1024

/** Reads `x0t.yaml`. A missing file is an empty one: every setting has a default. Never throws. */
export function loadConfig(path: string): ConfigResult {
  const problem = (message: string): ConfigResult => ({
    ok: false,
    problems: [{ file: path, line: undefined, column: undefined, key: '', message }],
  })
  try {
    // Opened for reading, a named pipe would hold up the whole node until somebody writes into it.
    const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    try {
      const status = fstatSync(file)
      if (!status.isFile()) return problem('is not a regular file')
      const { size } = status
      if (size > MAX_FILE_BYTES) return problem(`is ${size} bytes long; at most ${MAX_FILE_BYTES} are read`)
      return parseConfig(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)), path)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) {
      if (error.code === 'ENOENT') return parseConfig('', path)
      if (error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return problem('is not UTF-8 text')
    }
    return problem(`cannot be read: ${messageOf(error)}`)
  }
}
