import { existsSync } from 'node:fs'
import type { CliContext } from '../context.ts'
import { cliFault, usageFault } from '../fault.ts'
import { askLine } from './prompt.ts'
import { readSecretFile } from './secret-file.ts'

export interface PassphraseWords {
  /** From --passphrase-file. */
  readonly passphraseFile?: string | undefined
  /** False with --no-passphrase: a key file is wanted. */
  readonly passphrase?: boolean | undefined
}

const MIN_LENGTH = 8
const MAX_TRIES = 3

/** The passphrase of --passphrase-file, or else of X0T_PASSPHRASE_FILE. */
async function fromFile(
  context: CliContext,
  { passphraseFile }: PassphraseWords,
): Promise<string | undefined> {
  const path = passphraseFile ?? context.env['X0T_PASSPHRASE_FILE']
  return path === undefined || path === '' ? undefined : fromPath(context, path)
}

/**
 * The passphrase for a keystore that is about to be made: from a file, from a person (twice), or none, which means a
 * key file. The last is said, because a key file protects nothing from whoever can read the home.
 *
 * @throws FaultError USAGE, SECRET_UNREADABLE, INTERRUPTED
 */
export async function newPassphrase(
  context: CliContext,
  words: PassphraseWords,
): Promise<string | undefined> {
  if (words.passphrase === false && words.passphraseFile !== undefined) {
    throw usageFault('--no-passphrase and --passphrase-file exclude each other')
  }
  if (words.passphrase !== false) {
    const given =
      (await fromFile(context, words)) ?? (context.terminal.interactive ? await askTwice(context) : '')
    if (given !== '') return given
  }
  context.output.note(
    `No passphrase: the keystore will open with the key file ${context.paths.keyFile} (mode 0600). Whoever can read it is this node.`,
  )
  return undefined
}

async function askTwice({ terminal, interrupts, output }: CliContext): Promise<string> {
  const ask = (question: string): Promise<string> =>
    askLine(terminal, question, { echo: false, signal: interrupts.signal })
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const first = await ask('Passphrase for the keystore (empty for a key file): ')
    if (first === '') return ''
    if (first.length < MIN_LENGTH) {
      output.note(`A passphrase has at least ${MIN_LENGTH} characters.`)
      continue
    }
    if ((await ask('Once more: ')) === first) return first
    output.note('They differ.')
  }
  throw cliFault({ code: 'PASSPHRASE_NEEDED' }, `no passphrase after ${MAX_TRIES} tries`, {
    hint: 'Run the command again, or give it --passphrase-file FILE.',
  })
}

/**
 * The passphrase of a sealed file outside of the home: from a file, or from a person, twice when it is about to be sealed.
 * There is no such file without a passphrase.
 *
 * @throws FaultError PASSPHRASE_NEEDED, SECRET_UNREADABLE, INTERRUPTED
 */
export async function filePassphrase(
  context: CliContext,
  { path, passphraseFile, isNew }: { path: string; passphraseFile: string | undefined; isNew: boolean },
): Promise<string> {
  if (passphraseFile !== undefined) return fromPath(context, passphraseFile)
  if (!context.terminal.interactive) {
    throw cliFault(
      { code: 'PASSPHRASE_NEEDED' },
      `${path} is sealed by a passphrase of its own, and nobody can be asked`,
      { hint: 'Give --file-passphrase-file FILE.' },
    )
  }
  const ask = (question: string): Promise<string> =>
    askLine(context.terminal, question, { echo: false, signal: context.interrupts.signal })
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const first = await ask(`Passphrase of ${path}: `)
    if (!isNew && first !== '') return first
    if (first.length < MIN_LENGTH) context.output.note(`A passphrase has at least ${MIN_LENGTH} characters.`)
    else if ((await ask('Once more: ')) === first) return first
    else context.output.note('They differ.')
  }
  throw cliFault({ code: 'PASSPHRASE_NEEDED' }, `no passphrase after ${MAX_TRIES} tries`)
}

const fromPath = ({ terminal, interrupts }: CliContext, path: string): Promise<string> =>
  readSecretFile(path, 'passphrase', { input: terminal.input, signal: interrupts.signal })

/**
 * The passphrase that opens the keystore of this home, or none when a key file does.
 *
 * @throws FaultError PASSPHRASE_NEEDED, SECRET_UNREADABLE, INTERRUPTED
 */
export async function existingPassphrase(
  context: CliContext,
  words: PassphraseWords,
): Promise<string | undefined> {
  if (existsSync(context.paths.keyFile)) return undefined
  const given = await fromFile(context, words)
  if (given !== undefined) return given
  if (!context.terminal.interactive) {
    throw cliFault(
      { code: 'PASSPHRASE_NEEDED' },
      'the keystore of this home needs its passphrase, and nobody can be asked',
      {
        hint: `Give --passphrase-file FILE, or set X0T_PASSPHRASE_FILE. If it was made without a passphrase, its key file ${context.paths.keyFile} is missing.`,
      },
    )
  }
  return askLine(context.terminal, 'Passphrase: ', { echo: false, signal: context.interrupts.signal })
}
