import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../platform/clock.ts'

export interface RotatingFileOptions {
  /** The file that is written; full ones become `path.1` (the newest) to `path.<keep - 1>`. Its directory is made. */
  readonly path: string
  readonly maxBytes: number
  /** Files kept in all, at least 2. */
  readonly keep: number
}

/**
 * A file that never outgrows its limits. Nothing here throws: a line that cannot be written is counted, and how many
 * are missing is said in the file by `noteOf` as soon as it can be written again.
 */
export interface RotatingFile {
  /** Writes one line, with its newline. The operating system has it when the call returns. */
  write(line: string): void
  setLimits(maxBytes: number, keep: number): void
  /** Lines that could not be written since the start. */
  lostLines(): number
  /** Brings what was written to the disk. */
  sync(): void
  /** Can be called twice; later lines are dropped. */
  close(): void
}

const RETRY_OPEN_MS = 1_000

interface OpenFile {
  readonly fd: number
  sizeBytes: number
}

/**
 * Writes are synchronous on purpose: what was logged before a crash is what one wants to read after it, and a line
 * costs some ten microseconds. The libraries for this were measured and left (docs/adr/0004-store-and-logs.md).
 */
export function createRotatingFile(
  deps: { readonly clock: Clock },
  options: RotatingFileOptions,
  noteOf: (lostLines: number) => string,
): RotatingFile {
  const { path } = options
  let { maxBytes, keep } = options
  let file: OpenFile | undefined
  let closed = false
  let retryAtMs = Number.NEGATIVE_INFINITY
  let lost = 0
  let noted = 0
  /** The last line was cut by an error: the next one must not be glued to it. */
  let torn = false

  function opened(): OpenFile {
    if (file !== undefined) return file
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const fd = openSync(path, 'a', 0o600)
    file = { fd, sizeBytes: fstatSync(fd).size }
    return file
  }

  function shut(): void {
    const open = file
    file = undefined
    if (open !== undefined) closeSync(open.fd)
  }

  function rotate(): void {
    shut()
    rmSync(`${path}.${keep - 1}`, { force: true })
    for (let number = keep - 2; number >= 0; number -= 1) {
      renameIfThere(number === 0 ? path : `${path}.${number}`, `${path}.${number + 1}`)
    }
  }

  function append(text: string): void {
    let bytes: Uint8Array = Buffer.from(torn ? `\n${text}` : text)
    const current = opened()
    if (current.sizeBytes > 0 && current.sizeBytes + bytes.length > maxBytes) rotate()
    const target = opened()
    while (bytes.length > 0) {
      torn = true
      const written = writeSync(target.fd, bytes)
      target.sizeBytes += written
      bytes = bytes.subarray(written)
    }
    torn = false
  }

  return {
    write(line) {
      if (closed) return
      if (deps.clock.monotonicMs() < retryAtMs) {
        lost += 1
        return
      }
      try {
        if (lost > noted) {
          append(noteOf(lost - noted))
          noted = lost
        }
        append(line)
      } catch {
        // There is nowhere left to report it to but the counter.
        lost += 1
        if (file === undefined) retryAtMs = deps.clock.monotonicMs() + RETRY_OPEN_MS
      }
    },
    setLimits(newMaxBytes, newKeep) {
      for (let number = newKeep; number < keep; number += 1)
        quietly(() => rmSync(`${path}.${number}`, { force: true }))
      maxBytes = newMaxBytes
      keep = newKeep
    },
    lostLines: () => lost,
    sync: () => quietly(() => file && fsyncSync(file.fd)),
    close() {
      closed = true
      quietly(() => file && fsyncSync(file.fd))
      quietly(shut)
    },
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

function quietly(work: () => unknown): void {
  try {
    work()
  } catch {
    // A log that cannot be tidied is no reason to disturb whoever logs.
  }
}
