import { existsSync } from 'node:fs'
import { z } from 'zod'
import {
  KEYSTORE_KINDS,
  meshIdSchema,
  nodeNameSchema,
  peerIdSchema,
  roleSchema,
} from '../../contract/schemas.ts'
import { defineCommand } from '../command.ts'
import type { CliContext } from '../context.ts'
import { type Progress, runEntry } from '../entries/entry-process.ts'
import { EXIT, usageFault } from '../fault.ts'
import { formatFromNow } from '../output/time.ts'
import { existingPassphrase, newPassphrase, type PassphraseWords } from '../secrets/passphrase.ts'
import { readSecretFile } from '../secrets/secret-file.ts'
import { newKeystoreInput, newKeystoreOptions } from './keystore-options.ts'

/** An operator may have to come to a keyboard and say yes. */
const JOIN_MS = 300_000
/** Below that nobody gets in: the exchange itself takes its time. */
const JOIN_MIN_MS = 1_000
/** The entry ends by itself at the limit and can say why; we insist a little later. */
const ENTRY_MARGIN_MS = 5_000
const TOKEN = /^x0t1[\x21-\x7e]{16,8000}$/

const answerSchema = z.object({
  ok: z.literal(true),
  peerId: peerIdSchema,
  meshId: meshIdSchema,
  name: nodeNameSchema,
  home: z.string(),
  role: roleSchema,
  expiresAt: z.number(),
  keystore: z.enum(KEYSTORE_KINDS),
})

interface TokenWords {
  readonly token?: string | undefined
  readonly tokenFile?: string | undefined
}

async function readToken(
  { terminal, output, interrupts }: CliContext,
  { token, tokenFile }: TokenWords,
): Promise<string> {
  if (token !== undefined && tokenFile !== undefined) {
    throw usageFault('the token is given twice: as an argument and with --token-file', 'join')
  }
  const source = tokenFile ?? (token === '-' ? '-' : undefined)
  if (source === undefined && token === undefined) {
    throw usageFault(
      'the token is missing: give it as an argument, with --token-file FILE, or - to read it from stdin',
      'join',
    )
  }
  if (source === '-' && terminal.interactive) output.note('Paste the token and press Enter.')
  const text = (
    source === undefined
      ? (token ?? '')
      : await readSecretFile(source, 'token', { input: terminal.input, signal: interrupts.signal })
  ).trim()
  // Without the text itself: what is nearly a token is nearly a secret.
  if (!TOKEN.test(text))
    throw usageFault('that is not a whole invite token, which is long and starts with x0t1', 'join')
  return text
}

/** A first try that waited for approval has left its identity in the home: the retry opens that keystore. */
function keystorePassphrase(context: CliContext, words: PassphraseWords): Promise<string | undefined> {
  return existsSync(context.paths.keystore)
    ? existingPassphrase(context, words)
    : newPassphrase(context, words)
}

function describe(progress: Progress): string | undefined {
  if (progress.progress === 'connecting') return 'Asking to join...'
  if (progress.progress !== 'pending') return undefined
  const id = progress.joinId
  return id === undefined
    ? 'Waiting for an operator to approve...'
    : `Waiting for an operator to approve: x0t approve ${id}`
}

export const joinCommand = defineCommand({
  name: 'join',
  summary: 'join a mesh with an invite; needs no running node',
  arguments: [{ flags: '[token]', help: 'the invite, or - to read it from stdin' }],
  options: [
    { flags: '--token-file <file>', help: 'read the invite from a file (- for stdin)' },
    { flags: '--name <name>', help: 'what to call this node' },
    ...newKeystoreOptions,
  ],
  examples: [
    'x0t join --token-file invite.txt --name server',
    'ssh laptop x0t invite | x0t join - --name server',
  ],
  input: z.object({
    token: z.string().optional(),
    tokenFile: z.string().min(1).optional(),
    name: z.string({ error: 'is missing' }).pipe(nodeNameSchema),
    ...newKeystoreInput,
  }),
  async run(context, { name, token, tokenFile, ...words }) {
    const { paths, output, interrupts } = context
    if (words.passphraseFile === '-' && (token === '-' || tokenFile === '-')) {
      throw usageFault('the token and the passphrase cannot both come from stdin', 'join')
    }
    const secretToken = await readToken(context, { token, tokenFile })
    const passphrase = await keystorePassphrase(context, words)
    const timeoutMs = Math.max(JOIN_MIN_MS, context.timeoutMs ?? JOIN_MS)
    const { answer } = await runEntry({
      program: context.entryOf('join'),
      options: { home: paths.root, name, timeoutMs },
      secrets: { token: secretToken, passphrase },
      answer: answerSchema,
      log: 'keep',
      detached: false,
      tied: true,
      timeoutMs: timeoutMs + ENTRY_MARGIN_MS,
      signal: interrupts.signal,
      onProgress(progress) {
        const text = describe(progress)
        if (text !== undefined) output.note(text)
      },
    })
    const { ok: _ok, ...joined } = answer
    const until = formatFromNow(joined.expiresAt, context.now())
    output.done(
      joined,
      `Joined as ${joined.name}, role ${joined.role}; the certificate expires ${until} and renews itself.`,
    )
    output.note('Next: x0t up.')
    return EXIT.done
  },
})
