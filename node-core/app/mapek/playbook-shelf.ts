import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PlaybookSource } from '../../mapek/loop/ports.ts'
import { parsePlaybook } from '../../mapek/playbooks/parse-playbook.ts'
import type { Playbook } from '../../mapek/playbooks/playbook-schema.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'

/** The playbooks that came with the program, and those that people put into the home. */
export interface PlaybookShelf extends PlaybookSource {
  /** Where each comes from: `shipped`, or its file. */
  origin(playbook: string): string | undefined
  /** What is wrong with files of people: `FILE:LINE:COLUMN: why`. They are left out, and nothing else is. */
  problems(): readonly string[]
  /** Reads the folders again. */
  reload(): void
}

const MAX_FILES = 200

/** Beside the bundle, or in the project's folder when it runs from its source. */
function shippedFolder(): string | undefined {
  const here = import.meta.dirname
  const places = ['playbooks', '../playbooks', '../../playbooks', '../../../resources/playbooks']
  return places.map((place) => join(here, place)).find((place) => existsSync(place))
}

interface Shelf {
  readonly books: Map<string, { readonly book: Playbook; readonly from: string }>
  readonly problems: string[]
}

/** Read when first asked for: a mesh without a fault needs none. */
export function createPlaybookShelf(
  deps: { readonly logger: Logger },
  options: { readonly folder: string; readonly shipped?: string },
): PlaybookShelf {
  let read:
    | { readonly books: Map<string, { book: Playbook; from: string }>; readonly problems: string[] }
    | undefined
  const load = (): Shelf => {
    if (read !== undefined) return read
    const found: Shelf = { books: new Map(), problems: [] }
    const shipped = options.shipped ?? shippedFolder()
    if (shipped !== undefined)
      readFolder(shipped, (book) => found.books.set(book.playbook, { book, from: 'shipped' }), found.problems)
    // One of a person takes the place of one that came with the program.
    readFolder(
      options.folder,
      (book, file) => found.books.set(book.playbook, { book, from: file }),
      found.problems,
    )
    for (const problem of found.problems) deps.logger.warn('a playbook cannot be used', { problem })
    read = found
    return found
  }
  return {
    all: () => [...load().books.values()].map(({ book }) => book),
    origin: (name) => load().books.get(name)?.from,
    problems: () => load().problems,
    reload() {
      read = undefined
    },
  }
}

function readFolder(folder: string, take: (book: Playbook, file: string) => void, problems: string[]): void {
  let files: string[]
  try {
    files = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name))
  } catch {
    // Most homes have no such folder.
    return
  }
  for (const name of files.sort().slice(0, MAX_FILES)) {
    const path = join(folder, name)
    try {
      const result = parsePlaybook(readFileSync(path, 'utf8'), path)
      if (result.ok) take(result.playbook, path)
      else problems.push(...result.problems)
    } catch (error) {
      problems.push(`${path}: ${messageOf(error)}`)
    }
  }
}
