import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { PlaybookSource } from '../../mapek/loop/ports.ts'
import { parsePlaybook } from '../../mapek/playbooks/parse-playbook.ts'
import type { Playbook } from '../../mapek/playbooks/playbook-schema.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { replaceFile } from '../config/write-file.ts'

/** The playbooks that came with the program, and those that people put into the home. */
export interface PlaybookShelf extends PlaybookSource {
  /** Where each comes from: `shipped`, or its file. */
  origin(playbook: string): string | undefined
  /** What is wrong with files of people: `FILE:LINE:COLUMN: why`. They are left out, and nothing else is. */
  problems(): readonly string[]
  /** Reads the folders again. */
  reload(): void
  /** The text of the file of one; undefined for none, and for a file that is gone. */
  document(playbook: string): string | undefined
  /**
   * Keeps one of a person, in place of another one of its name.
   *
   * @throws FaultError PLAYBOOK_INVALID, PLAYBOOK_OUTDATED, TOO_MANY_PLAYBOOKS
   */
  save(text: string): Playbook
  /** @returns false when there is none of a person with that name */
  remove(playbook: string): boolean
}

export type ShelfFault =
  | { code: 'PLAYBOOK_INVALID'; problems: readonly string[] }
  | { code: 'PLAYBOOK_OUTDATED'; playbook: string; version: number }
  | { code: 'TOO_MANY_PLAYBOOKS' }

const SHIPPED = 'shipped'

const MAX_FILES = 200
const IS_PLAYBOOK = /\.ya?ml$/

/** Beside the bundle, or in the project's folder when it runs from its source. */
function shippedFolder(): string | undefined {
  const here = import.meta.dirname
  const places = ['playbooks', '../playbooks', '../../playbooks', '../../../resources/playbooks']
  return places.map((place) => join(here, place)).find((place) => existsSync(place))
}

interface Kept {
  readonly book: Playbook
  /** `shipped`, or its file. */
  readonly from: string
  readonly path: string
}

interface Shelf {
  readonly books: Map<string, Kept>
  readonly problems: string[]
}

/** What a file said when it was last read. */
interface Read {
  /** Changes with the file: parsing it takes milliseconds, asking the file system next to nothing. */
  readonly stamp: string
  readonly result: ReturnType<typeof parsePlaybook>
}

interface ShelfOptions {
  readonly folder: string
  readonly shipped?: string
}

/** Read when first asked for: a mesh without a fault needs none. */
export function createPlaybookShelf(deps: { readonly logger: Logger }, options: ShelfOptions): PlaybookShelf {
  let read: Shelf | undefined
  const files = new Map<string, Read>()
  const load = (): Shelf => {
    read ??= readShelf(deps.logger, options, files)
    return read
  }
  const kept = (name: string): Kept | undefined => load().books.get(name)
  const ownFile = (name: string): string | undefined => {
    const found = kept(name)
    return found === undefined || found.from === SHIPPED ? undefined : found.path
  }
  return {
    all: () => [...load().books.values()].map(({ book }) => book),
    origin: (name) => kept(name)?.from,
    problems: () => load().problems,
    reload() {
      read = undefined
    },
    document(name) {
      const path = kept(name)?.path
      try {
        return path === undefined ? undefined : readFileSync(path, 'utf8')
      } catch {
        return undefined
      }
    },
    save(text) {
      read = undefined
      const book = requirePlaybook(text)
      refuseOutdated(book, kept(book.playbook)?.book)
      const path = ownFile(book.playbook) ?? join(options.folder, `${book.playbook}.yaml`)
      if (!existsSync(path)) requireRoom(options.folder)
      mkdirSync(options.folder, { recursive: true, mode: 0o700 })
      replaceFile(path, text)
      read = undefined
      return book
    },
    remove(name) {
      read = undefined
      const path = ownFile(name)
      if (path === undefined) return false
      replaceFile(path, null)
      read = undefined
      return true
    },
  }
}

function readShelf(logger: Logger, options: ShelfOptions, files: Map<string, Read>): Shelf {
  const found: Shelf = { books: new Map(), problems: [] }
  const shipped = options.shipped ?? shippedFolder()
  const put = (book: Playbook, path: string, from: string): void =>
    void found.books.set(book.playbook, { book, path, from })
  const before = new Map(files)
  files.clear()
  const parse = (path: string): Read['result'] => {
    const file = readPlaybook(path, before.get(path))
    files.set(path, file)
    return file.result
  }
  if (shipped !== undefined)
    readFolder(shipped, parse, (book, path) => put(book, path, SHIPPED), found.problems)
  // One of a person takes the place of one that came with the program.
  readFolder(options.folder, parse, (book, path) => put(book, path, path), found.problems)
  for (const problem of found.problems) logger.warn('a playbook cannot be used', { problem })
  return found
}

function requirePlaybook(text: string): Playbook {
  const result = parsePlaybook(text, 'playbook')
  if (result.ok) return result.playbook
  throw new FaultError<ShelfFault>(
    { code: 'PLAYBOOK_INVALID', problems: result.problems },
    `the playbook cannot be used: ${result.problems[0] ?? 'it cannot be read'}`,
    { hint: 'Nothing was changed. x0t playbook test FILE lists all that is wrong with it.' },
  )
}

/** A higher version each time: what was learned of one belongs to it, and nobody overwrites what they have not seen. */
function refuseOutdated({ playbook, version }: Playbook, before: Playbook | undefined): void {
  if (before === undefined || version > before.version) return
  throw new FaultError<ShelfFault>(
    { code: 'PLAYBOOK_OUTDATED', playbook, version: before.version },
    `version ${before.version} of '${playbook}' is there already`,
    { hint: `Look at what it says, and save yours as version ${before.version + 1}.` },
  )
}

function requireRoom(folder: string): void {
  const count = existsSync(folder) ? readdirSync(folder).filter((name) => IS_PLAYBOOK.test(name)).length : 0
  if (count < MAX_FILES) return
  throw new FaultError<ShelfFault>(
    { code: 'TOO_MANY_PLAYBOOKS' },
    `there are ${MAX_FILES} playbooks of people already`,
    { hint: 'Remove one that is not needed any more: x0t playbook remove NAME.' },
  )
}

function readPlaybook(path: string, before: Read | undefined): Read {
  const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true })
  const stamp = [mtimeNs, ctimeNs, size, ino].join(' ')
  return before?.stamp === stamp ? before : { stamp, result: parsePlaybook(readFileSync(path, 'utf8'), path) }
}

function readFolder(
  folder: string,
  parse: (path: string) => Read['result'],
  take: (book: Playbook, file: string) => void,
  problems: string[],
): void {
  let files: string[]
  try {
    files = readdirSync(folder).filter((name) => IS_PLAYBOOK.test(name))
  } catch {
    // Most homes have no such folder.
    return
  }
  for (const name of files.sort().slice(0, MAX_FILES)) {
    const path = join(folder, name)
    try {
      const result = parse(path)
      if (result.ok) take(result.playbook, path)
      else problems.push(...result.problems)
    } catch (error) {
      problems.push(`${path}: ${messageOf(error)}`)
    }
  }
}
