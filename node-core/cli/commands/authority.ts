import { resolve } from 'node:path'
import { z } from 'zod'
import { KEYSTORE_KINDS, meshIdSchema, nodeNameSchema, peerIdSchema } from '../../contract/schemas.ts'
import { defineCommand, durationText, flag } from '../command.ts'
import { confirm } from '../confirm.ts'
import type { CliContext } from '../context.ts'
import { type EntrySecrets, runEntry } from '../entries/entry-process.ts'
import { EXIT } from '../fault.ts'
import { formatMoment } from '../output/time.ts'
import { existingPassphrase, filePassphrase, newPassphrase } from '../secrets/passphrase.ts'
import { newKeystoreInput, newKeystoreOptions } from './keystore-options.ts'

const KEYS_MS = 60_000
const DAY_MS = 86_400_000
const FILE = { flags: '<file>', help: 'the sealed authority' }
const PASSPHRASE = { flags: '--passphrase-file <file>', help: 'the passphrase of this home (- for stdin)' }
const FILE_PASSPHRASE = {
  flags: '--file-passphrase-file <file>',
  help: 'the passphrase of the sealed file, which is not that of a home',
}
const fileInput = {
  file: z.string().min(1),
  passphraseFile: z.string().min(1).optional(),
  filePassphraseFile: z.string().min(1).optional(),
}
const issuingTime = durationText
  .refine((ms) => ms >= 3_600_000 && ms <= 365 * DAY_MS, 'must be from 1h to 365d')
  .optional()
const meshAnswer = { ok: z.literal(true), meshId: meshIdSchema }

const rotated = z.object({
  ...{ ...meshAnswer, mesh: z.string(), number: z.number(), authority: z.string().nullable() },
  ...{ overlapUntil: z.number(), certificates: z.number(), issuesUntil: z.number().optional() },
})

/** Mostly the node must not run: its keys are opened and sealed anew. */
export async function keys<S extends z.ZodType>(
  context: CliContext,
  options: object,
  secrets: EntrySecrets,
  answer: S,
): Promise<z.infer<S>> {
  const done = await runEntry({
    program: context.entryOf('keys'),
    options: { home: context.paths.root, ...options },
    ...{ secrets, answer, log: 'keep', detached: false, tied: true },
    timeoutMs: context.timeoutMs ?? KEYS_MS,
    signal: context.interrupts.signal,
  })
  return done.answer
}

interface FileWords {
  readonly file: string
  readonly passphraseFile?: string | undefined
  readonly filePassphraseFile?: string | undefined
}

async function bothSecrets(context: CliContext, words: FileWords, isNew: boolean): Promise<EntrySecrets> {
  const passphrase = await existingPassphrase(context, words)
  const path = resolve(words.file)
  const file = await filePassphrase(context, { path, passphraseFile: words.filePassphraseFile, isNew })
  return { passphrase, filePassphrase: file }
}

const exportCommand = defineCommand({
  name: 'authority export',
  summary: 'seal the key that the mesh rests on into a file, to be kept outside of any node',
  arguments: [{ ...FILE, help: 'where to write it; nothing is overwritten' }],
  options: [PASSPHRASE, FILE_PASSPHRASE],
  examples: ['x0t authority export /media/stick/home.authority'],
  input: z.object(fileInput),
  async run(context, words) {
    const file = resolve(words.file)
    const secrets = await bothSecrets(context, words, true)
    const schema = z.object({ ...meshAnswer, mesh: z.string() })
    const { ok: _ok, ...made } = await keys(context, { action: 'export', file }, secrets, schema)
    context.output.done(
      { file, ...made },
      `The authority of ${made.mesh} is sealed in ${file}. Whoever has it and its passphrase is the mesh: keep two copies, offline.`,
    )
    return EXIT.done
  },
})

const removeCommand = defineCommand({
  name: 'authority remove',
  summary: 'take the authority out of this home; only against a sealed file that opens and holds it',
  arguments: [FILE],
  options: [
    { flags: '--issue-for <duration>', help: 'how long this node may go on issuing; by default 90d' },
    ...[PASSPHRASE, FILE_PASSPHRASE, { flags: '-y, --yes', help: 'do not ask' }],
  ],
  examples: ['x0t authority remove /media/stick/home.authority --issue-for 180d'],
  input: z.object({
    ...fileInput,
    issueFor: issuingTime,
    yes: flag,
  }),
  async run(context, { yes, issueFor, ...words }) {
    const file = resolve(words.file)
    await confirm(context, `Remove the authority from ${context.paths.root}? It stays in ${file} alone.`, yes)
    const secrets = await bothSecrets(context, words, false)
    const schema = z.object({ ...meshAnswer, issuesUntil: z.number() })
    const options = { action: 'remove', file, issuingMs: issueFor ?? 90 * DAY_MS }
    const { ok: _ok, ...done } = await keys(context, options, secrets, schema)
    context.output.done(
      done,
      `The authority is in ${file} alone. This node invites and renews until ${formatMoment(done.issuesUntil)}; bring the authority back before, with x0t authority import.`,
    )
    return EXIT.done
  },
})

/** Two lives of a certificate, by default: everybody has renewed by then. */
const OVERLAP_DAYS = 14

const rotateCommand = defineCommand({
  name: 'authority rotate',
  summary: 'replace the key that the mesh rests on by a new one, or hand the mesh over with it',
  arguments: [{ ...FILE, help: 'where to seal the new key; nothing is overwritten' }],
  options: [
    { flags: '--overlap <duration>', help: `how long both keys count; by default ${OVERLAP_DAYS}d` },
    { flags: '--hand-over', help: 'leave the new key in the file alone: who imports it is the authority' },
    { flags: '--issue-for <duration>', help: 'with --hand-over: how long this node may go on issuing; 90d' },
    { flags: '--dry-run', help: 'only say what would be' },
    ...[PASSPHRASE, FILE_PASSPHRASE, { flags: '-y, --yes', help: 'do not ask' }],
  ],
  examples: [
    'x0t authority rotate /media/stick/home-2.authority',
    'x0t authority rotate for-anna.authority --hand-over',
  ],
  input: z.object({
    ...fileInput,
    overlap: durationText
      .refine((ms) => ms >= 3_600_000 && ms <= 90 * DAY_MS, 'must be from 1h to 90d')
      .optional(),
    issueFor: issuingTime,
    ...{ handOver: flag, dryRun: flag, yes: flag },
  }),
  async run(context, { yes, overlap, issueFor, handOver, dryRun, ...words }) {
    const file = resolve(words.file)
    const overlapMs = overlap ?? OVERLAP_DAYS * DAY_MS
    const what = handOver
      ? `The mesh will belong to whoever opens ${file}.`
      : `${file} is the only copy but this home.`
    const question = `Replace the authority of the mesh? This cannot be undone. ${what}`
    if (!dryRun) await confirm(context, question, yes)
    const secrets = dryRun
      ? { passphrase: await existingPassphrase(context, words) }
      : await bothSecrets(context, words, true)
    const options = {
      action: 'rotate',
      file,
      overlapMs,
      handOver,
      dryRun,
      issuingMs: issueFor ?? 90 * DAY_MS,
    }
    const { ok: _ok, ...done } = await keys(context, options, secrets, rotated)
    const until = formatMoment(done.overlapUntil)
    if (dryRun) {
      context.output.done(
        { dryRun, ...done },
        `Would give ${done.mesh} its authority number ${done.number + 1}, sealed in ${file}. ${done.certificates} certificates would be signed anew; those of the old key would end on ${until}. Nothing was changed.`,
      )
      return EXIT.done
    }
    const next = handOver
      ? `Start this node, and give ${file} and its passphrase to the new owner, who runs x0t authority import on a node of the mesh that has been linked since.`
      : 'Start this node: it tells the others and signs their certificates anew. Keep a second copy of the file, offline.'
    context.output.done(
      { file, ...done },
      `The authority of ${done.mesh} has a new key, sealed in ${file}. ${next} The old key ends on ${until}.`,
    )
    return EXIT.done
  },
})

const importCommand = defineCommand({
  name: 'authority import',
  summary: 'put the authority of a sealed file back into a home of its mesh',
  arguments: [FILE],
  options: [PASSPHRASE, FILE_PASSPHRASE],
  examples: ['x0t authority import /media/stick/home.authority'],
  input: z.object(fileInput),
  async run(context, words) {
    const file = resolve(words.file)
    const secrets = await bothSecrets(context, words, false)
    const { ok: _ok, ...done } = await keys(
      context,
      { action: 'import', file },
      secrets,
      z.object(meshAnswer),
    )
    context.output.done(done, `The home ${context.paths.root} holds the authority of its mesh again.`)
    return EXIT.done
  },
})

const recoverCommand = defineCommand({
  name: 'recover',
  summary:
    'make this machine an owner of a mesh from its sealed authority, after the loss of the node that held it',
  arguments: [FILE],
  options: [
    { flags: '--name <name>', help: 'what to call this node; not the name of the lost one' },
    { flags: '--peer <multiaddr...>', help: 'where members of the mesh can be reached' },
    FILE_PASSPHRASE,
    ...newKeystoreOptions,
  ],
  examples: ['x0t recover home.authority --name new-laptop --peer /ip4/192.0.2.7/tcp/4100'],
  input: z.object({
    file: z.string().min(1),
    name: z.string({ error: 'is missing' }).pipe(nodeNameSchema),
    peer: z
      .array(z.string().startsWith('/', 'must be a multiaddr such as /ip4/192.0.2.7/tcp/4001'), {
        error: 'is missing',
      })
      .min(1),
    filePassphraseFile: z.string().min(1).optional(),
    ...newKeystoreInput,
  }),
  async run(context, { name, peer, filePassphraseFile, ...words }) {
    const file = resolve(words.file)
    const secret = await filePassphrase(context, {
      path: file,
      passphraseFile: filePassphraseFile,
      isNew: false,
    })
    const passphrase = await newPassphrase(context, words)
    const schema = z.object({
      ...{ ...meshAnswer, mesh: z.string(), name: nodeNameSchema, home: z.string() },
      ...{ peerId: peerIdSchema, keystore: z.enum(KEYSTORE_KINDS) },
    })
    const secrets = { passphrase, filePassphrase: secret }
    const { ok: _ok, ...made } = await keys(
      context,
      { action: 'recover', file, name, peers: peer },
      secrets,
      schema,
    )
    context.output.done(
      made,
      `${name} is an owner of ${made.mesh}. Next: x0t up, x0t wait --for linked, then x0t revoke LOST --keep-members for the node that was lost.`,
    )
    return EXIT.done
  },
})

const resealCommand = defineCommand({
  name: 'keystore reseal',
  summary: 'seal the keys of this home anew: under another passphrase, or with a key file',
  options: [
    PASSPHRASE,
    { flags: '--new-passphrase-file <file>', help: 'the passphrase from now on' },
    { flags: '--no-passphrase', help: 'open with a key file beside it from now on' },
  ],
  examples: ['x0t keystore reseal', 'x0t keystore reseal --new-passphrase-file /run/secrets/x0t'],
  input: z.object({
    passphraseFile: z.string().min(1).optional(),
    newPassphraseFile: z.string().min(1).optional(),
    passphrase: z.boolean().optional(),
  }),
  async run(context, { passphraseFile, newPassphraseFile, passphrase: wantsOne }) {
    const passphrase = await existingPassphrase(context, { passphraseFile })
    const words = { passphraseFile: newPassphraseFile, passphrase: wantsOne }
    // The passphrase of the environment opens the keystore that is there; it does not seal the next one unasked.
    const env = { ...context.env, X0T_PASSPHRASE_FILE: undefined }
    const next = await newPassphrase({ ...context, env }, words)
    const schema = z.object({ ok: z.literal(true), keystore: z.enum(KEYSTORE_KINDS) })
    const secrets = { passphrase, newPassphrase: next }
    const { keystore } = await keys(context, { action: 'reseal' }, secrets, schema)
    const how = keystore === 'passphrase' ? 'a passphrase' : `the key file ${context.paths.keyFile}`
    context.output.done({ keystore }, `The keys of ${context.paths.root} open with ${how} from now on.`)
    return EXIT.done
  },
})

export const authorityCommands = [
  exportCommand,
  removeCommand,
  rotateCommand,
  importCommand,
  recoverCommand,
  resealCommand,
]
