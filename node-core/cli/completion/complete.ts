import type { Command, OptionSpec } from '../command.ts'

/** What could stand at the cursor. */
export type Completion =
  | { readonly kind: 'words'; readonly words: readonly CompletionWord[] }
  /** Names that only a running node knows. */
  | { readonly kind: 'names'; readonly of: 'nodes' | 'services' }
  /** The shell completes a path by itself. */
  | { readonly kind: 'files' }

export interface CompletionWord {
  readonly value: string
  readonly help: string
}

const NOTHING: Completion = { kind: 'words', words: [] }

/** Values of options and arguments by the name in their flags; everything else is for the person to type. */
const VALUES: Readonly<Record<string, Completion | readonly string[]>> = {
  node: { kind: 'names', of: 'nodes' },
  service: { kind: 'names', of: 'services' },
  file: { kind: 'files' },
  dir: { kind: 'files' },
  role: ['admin', 'operator', 'viewer', 'none'],
  shell: ['bash', 'zsh', 'fish', 'powershell'],
  format: ['json', 'json-line', 'yaml'],
}

/**
 * What could stand where the last of `words` is being typed. The words are those after `x0t`, the last one as far as it
 * is there: it may be empty. Pure: names that a node knows are only asked for.
 */
export function complete(
  commands: readonly Command[],
  globalOptions: readonly OptionSpec[],
  words: readonly string[],
): Completion {
  const typed = words.at(-1) ?? ''
  const before = readWords(commands, globalOptions, words.slice(0, -1))
  if (before.awaited !== undefined) return valuesOf(before.awaited, typed)
  if (typed.startsWith('-')) {
    const options = [...(before.command?.options ?? []), ...globalOptions, HELP]
    return matching(
      options.map(({ flags, help }) => ({ value: longFlag(flags), help })),
      typed,
    )
  }
  if (before.command === undefined) return commandsAfter(commands, before.path, typed)
  const argument = before.command.arguments?.[before.args]
  return argument === undefined ? NOTHING : valuesOf(bareName(argument.flags), typed)
}

const HELP: OptionSpec = { flags: '-h, --help', help: 'show how the command is used' }

interface Read {
  /** Words of a command that is not whole yet: `lab`. */
  readonly path: readonly string[]
  readonly command: Command | undefined
  /** Arguments that are there already. */
  readonly args: number
  /** The name of the value that an option before the cursor waits for. */
  readonly awaited: string | undefined
}

function readWords(
  commands: readonly Command[],
  globals: readonly OptionSpec[],
  words: readonly string[],
): Read {
  const path: string[] = []
  let command: Command | undefined
  let args = 0
  let awaited: string | undefined
  for (const word of words) {
    if (awaited !== undefined) {
      awaited = undefined
    } else if (word.startsWith('-')) {
      const options = [...globals, ...(command?.options ?? [])]
      const option = options.find(({ flags }) => flags.split(/[ ,]+/).includes(word))
      awaited = option === undefined ? undefined : valueName(option.flags)
    } else if (command === undefined) {
      path.push(word)
      command = commands.find(({ name }) => name === path.join(' '))
    } else {
      args += 1
    }
  }
  return { path, command, args, awaited }
}

function commandsAfter(commands: readonly Command[], path: readonly string[], typed: string): Completion {
  const words = new Map<string, string>()
  for (const { name, summary } of commands) {
    const parts = name.split(' ')
    const next = parts[path.length]
    if (next === undefined || path.some((word, at) => parts[at] !== word)) continue
    words.set(next, parts.length === path.length + 1 ? summary : `${next} ...`)
  }
  return matching(
    [...words].map(([value, help]) => ({ value, help })),
    typed,
  )
}

function valuesOf(name: string, typed: string): Completion {
  const known = VALUES[name]
  if (known === undefined) return NOTHING
  return 'kind' in known
    ? known
    : matching(
        known.map((value) => ({ value, help: '' })),
        typed,
      )
}

export function matching(words: readonly CompletionWord[], typed: string): Completion {
  return { kind: 'words', words: words.filter(({ value }) => value.startsWith(typed)) }
}

const longFlag = (flags: string): string =>
  flags.split(/[ ,]+/).find((part) => part.startsWith('--')) ?? flags
/** `--role <role>`: `role`. */
const valueName = (flags: string): string | undefined => /[<[]([^\]>.]+)/.exec(flags)?.[1]
const bareName = (flags: string): string => valueName(flags) ?? flags
