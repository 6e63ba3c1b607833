import { z } from 'zod'
import { systemClock } from '../../platform/clock.ts'
import { FaultError } from '../../platform/error.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { MAX_OVERLAP_MS } from '../../security/authority-succession.ts'
import { wipeSeeds } from '../../security/hybrid-key.ts'
import { backUp, restore } from '../backup.ts'
import { requireConfig } from '../config/require-config.ts'
import {
  type AuthorityFile,
  exportAuthority,
  importAuthority,
  readAuthority,
  removeAuthority,
  resealHome,
} from '../home-keys.ts'
import { recoverMesh } from '../init-mesh.ts'
import { openHome, openHomeToBegin } from '../open-home.ts'
import { rotateAuthority } from '../rotate-authority.ts'
import { type EntrySecrets, nodeNameOption, printLine, runEntry } from './entry-io.ts'

const optionsSchema = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('reseal'), home: z.string().min(1) }),
  z.strictObject({ action: z.literal('export'), home: z.string().min(1), file: z.string().min(1) }),
  z.strictObject({
    ...{ action: z.literal('remove'), home: z.string().min(1), file: z.string().min(1) },
    issuingMs: z.int().min(1),
  }),
  z.strictObject({
    ...{ action: z.literal('rotate'), home: z.string().min(1), file: z.string().min(1) },
    overlapMs: z.int().min(1).max(MAX_OVERLAP_MS),
    issuingMs: z.int().min(1),
    ...{ handOver: z.boolean(), dryRun: z.boolean() },
  }),
  z.strictObject({ action: z.literal('import'), home: z.string().min(1), file: z.string().min(1) }),
  z.strictObject({
    ...{
      action: z.literal('recover'),
      home: z.string().min(1),
      file: z.string().min(1),
      name: nodeNameOption,
    },
    peers: z.array(z.string().min(1)).min(1).max(16),
  }),
  z.strictObject({ action: z.literal('backup'), home: z.string().min(1), file: z.string().min(1) }),
  z.strictObject({
    ...{ action: z.literal('restore'), home: z.string().min(1), file: z.string().min(1) },
    trustBackup: z.boolean(),
  }),
])
type Options = z.infer<typeof optionsSchema>

const deps = { clock: systemClock, random: systemRandom, logger: silentLogger }

/** What is done to the keys of a home while its node does not run; a backup is made while it does, too. */
await runEntry(optionsSchema, async (options, secrets) => {
  await printLine({ ok: true, ...(await answerTo(options, secrets)) })
})

async function answerTo(options: Options, secrets: EntrySecrets): Promise<object> {
  const { passphrase } = secrets
  switch (options.action) {
    case 'recover':
      return recover(options, secrets)
    case 'backup':
      return backUp(deps, options.home, passphrase, fileOf(options.file, secrets))
    case 'restore': {
      const { trustBackup } = options
      const file = fileOf(options.file, secrets)
      return restore(deps, options.home, { file, passphrase, trustBackup })
    }
    default:
      return change(options, secrets)
  }
}

async function change(
  options: Exclude<Options, { action: 'recover' | 'backup' | 'restore' }>,
  secrets: EntrySecrets,
): Promise<object> {
  const home = openHome(deps, options.home)
  try {
    switch (options.action) {
      case 'reseal':
        return { keystore: await resealHome(deps, home, secrets.passphrase, secrets.newPassphrase) }
      case 'export':
        return await exportAuthority(deps, home, secrets.passphrase, fileOf(options.file, secrets))
      case 'remove': {
        const file = fileOf(options.file, secrets)
        return await removeAuthority(deps, home, secrets.passphrase, file, options.issuingMs)
      }
      case 'rotate': {
        const { overlapMs, issuingMs, handOver, dryRun } = options
        const file = dryRun ? { path: options.file, passphrase: '' } : fileOf(options.file, secrets)
        const wanted = { file, overlapMs, issuingMs, handOver, dryRun }
        return await rotateAuthority(deps, home, secrets.passphrase, wanted)
      }
      case 'import':
        return await importAuthority(deps, home, secrets.passphrase, fileOf(options.file, secrets))
    }
  } finally {
    home.close()
  }
}

async function recover(
  { home: root, file, name, peers }: Extract<Options, { action: 'recover' }>,
  secrets: EntrySecrets,
): Promise<object> {
  const home = await openHomeToBegin(deps, root)
  try {
    const authority = await readAuthority(fileOf(file, secrets))
    try {
      const { certificates } = requireConfig(home.paths.config)
      const { passphrase } = secrets
      const options = { authority, name, peers, passphrase, certificateLifeMs: certificates.lifetimeMs }
      return {
        ...(await recoverMesh(deps, home, options)),
        mesh: authority.meshName,
        name,
        home: home.paths.root,
      }
    } finally {
      wipeSeeds(authority.seeds)
    }
  } finally {
    home.close()
  }
}

function fileOf(path: string, { filePassphrase }: EntrySecrets): AuthorityFile {
  if (filePassphrase !== undefined) return { path, passphrase: filePassphrase }
  throw new FaultError(
    { code: 'PASSPHRASE_NEEDED' },
    `${path} is sealed by a passphrase of its own, and none was given`,
    {
      hint: 'Give it with --file-passphrase-file, or where x0t can ask.',
    },
  )
}
