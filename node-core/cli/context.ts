import type { HomePaths } from '../platform/home.ts'
import type { NodeClient } from './client/node-client.ts'
import type { EntryName } from './entries/entry-process.ts'
import type { Interrupts } from './interrupts.ts'
import type { Output } from './output/output.ts'
import type { Terminal } from './secrets/prompt.ts'

/** What the process gives to the CLI; tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The program of an entry: beside the CLI when bundled, in app/entries when run from source. */
  entryOf(name: EntryName): string
  /** The program that a service starts: `dist/x0t`. */
  readonly launcher: string
  readonly terminal: Terminal
  readonly interrupts: Interrupts
}

/** What every command gets. */
export interface CliContext extends Surroundings {
  readonly paths: HomePaths
  readonly output: Output
  /** From --timeout; each command has a default of its own. */
  readonly timeoutMs: number | undefined
  /** A client of the node of this home; `timeoutMs` is for one call. */
  connect(timeoutMs: number): NodeClient
  now(): number
}

/** For a call that only asks or changes something in the node itself. */
export const CALL_MS = 10_000
