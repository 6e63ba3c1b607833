import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { z } from 'zod'

/** A small document of this app on the disk: what cannot be read or is not as expected counts as not there. */
export function readStateFile<S extends z.ZodType>(file: string, schema: S): z.output<S> | undefined {
  try {
    return schema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data
  } catch {
    return undefined
  }
}

/** Whole or not at all. A disk that is full must not take the app down: what was not kept is asked for again. */
export function writeStateFile(file: string, value: object): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (error) {
    process.stderr.write(`${file} cannot be written: ${String(error)}\n`)
  }
}
