import { z } from 'zod'
import type { OptionSpec } from '../command.ts'

/** Where the passphrase of a keystore that is about to be made comes from. */
export const newKeystoreOptions: readonly OptionSpec[] = [
  { flags: '--passphrase-file <file>', help: 'read the passphrase from a file (- for stdin)' },
  { flags: '--no-passphrase', help: 'seal the keystore with a key file beside it' },
]

export const newKeystoreInput = {
  passphraseFile: z.string().min(1).optional(),
  passphrase: z.boolean().optional(),
}
