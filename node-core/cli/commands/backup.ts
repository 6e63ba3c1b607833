import { resolve } from 'node:path'
import { z } from 'zod'
import { KEYSTORE_KINDS, meshIdSchema, peerIdSchema } from '../../contract/schemas.ts'
import { defineCommand, flag } from '../command.ts'
import { confirm } from '../confirm.ts'
import { EXIT } from '../fault.ts'
import { formatMoment } from '../output/time.ts'
import { existingPassphrase, filePassphrase, newPassphrase } from '../secrets/passphrase.ts'
import { keys } from './authority.ts'
import { newKeystoreInput, newKeystoreOptions } from './keystore-options.ts'

const FILE_PASSPHRASE = {
  flags: '--file-passphrase-file <file>',
  help: 'the passphrase of the backup, which is not that of a home (- for stdin)',
}
const about = {
  ...{ ok: z.literal(true), meshId: meshIdSchema, meshName: z.string(), node: z.string() },
  ...{ peerId: peerIdSchema, at: z.number() },
}

const backupCommand = defineCommand({
  name: 'backup',
  summary: 'seal all that this node is into one file, also while it runs; what was measured is not in it',
  arguments: [{ flags: '<file>', help: 'where to write it; nothing is overwritten' }],
  options: [{ flags: '--passphrase-file <file>', help: 'the passphrase of this home' }, FILE_PASSPHRASE],
  examples: ['x0t backup /media/stick/laptop.backup'],
  input: z.object({
    file: z.string().min(1),
    passphraseFile: z.string().min(1).optional(),
    filePassphraseFile: z.string().min(1).optional(),
  }),
  async run(context, { file: given, passphraseFile, filePassphraseFile }) {
    const file = resolve(given)
    const secrets = {
      passphrase: await existingPassphrase(context, { passphraseFile }),
      filePassphrase: await filePassphrase(context, {
        path: file,
        passphraseFile: filePassphraseFile,
        isNew: true,
      }),
    }
    const schema = z.object({ ...about, sizeBytes: z.number(), authority: z.boolean() })
    const { ok: _ok, ...made } = await keys(context, { action: 'backup', file }, secrets, schema)
    const also = made.authority ? ', and the authority of the mesh with it' : ''
    context.output.done(
      { file, ...made },
      `${made.node} of ${made.meshName} is sealed in ${file}${also}. Whoever has it and its passphrase is this node.`,
    )
    return EXIT.done
  },
})

const restoreCommand = defineCommand({
  name: 'restore',
  summary: 'make this home the node of a backup; it never goes back behind revocations that are known',
  arguments: [{ flags: '<file>', help: 'what x0t backup has written' }],
  options: [
    { flags: '--trust-backup', help: 'no other member is left who knows who was revoked since' },
    { flags: '-y, --yes', help: 'do not ask' },
    ...[FILE_PASSPHRASE, ...newKeystoreOptions],
  ],
  examples: ['x0t restore /media/stick/laptop.backup', 'x0t restore laptop.backup --no-passphrase --yes'],
  input: z.object({
    file: z.string().min(1),
    filePassphraseFile: z.string().min(1).optional(),
    ...{ trustBackup: flag, yes: flag },
    ...newKeystoreInput,
  }),
  async run(context, { file: given, filePassphraseFile, trustBackup, yes, ...words }) {
    const file = resolve(given)
    await confirm(
      context,
      `Make ${context.paths.root} the node of ${file}? Two machines must never run the same node.`,
      yes,
    )
    const filePass = await filePassphrase(context, {
      path: file,
      passphraseFile: filePassphraseFile,
      isNew: false,
    })
    const passphrase = await newPassphrase(context, words)
    const schema = z.object({ ...about, keystore: z.enum(KEYSTORE_KINDS), setAside: z.string().nullable() })
    const options = { action: 'restore', file, trustBackup }
    const { ok: _ok, ...done } = await keys(
      context,
      options,
      { passphrase, filePassphrase: filePass },
      schema,
    )
    const next = trustBackup
      ? 'Next: x0t up.'
      : 'Next: x0t up. It serves nobody and lets nobody in until it has compared with another member who was revoked since.'
    context.output.done(
      done,
      `${done.node} of ${done.meshName} is as it was at ${formatMoment(done.at)}. ${next}`,
    )
    return EXIT.done
  },
})

export const backupCommands = [backupCommand, restoreCommand]
