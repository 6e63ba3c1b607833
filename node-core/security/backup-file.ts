import { z } from 'zod'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { meshIdSchema, peerIdSchema } from './certificate.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict, timeMs } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import { type HybridSecretSeeds, secretSeeds } from './hybrid-key.ts'
import { type KeystoreSecrets, keystoreSecrets } from './keystore.ts'
import { openFile, sealFile } from './sealed-file.ts'
import { type Argon2Cost, DEFAULT_ARGON2_COST } from './secret-box.ts'

/** The store of a large mesh with its year of incidents; series are not in it. */
export const MAX_BACKUP_BYTES = 256 * 1024 * 1024
const MAX_CONFIG_BYTES = 1024 * 1024
const SEED_BYTES = 32

const about = {
  format: z.literal('x0t-backup'),
  v: z.literal(1),
  meshId: meshIdSchema,
  meshName: z.string().max(63),
  node: z.string().max(63),
  peerId: peerIdSchema,
  at: timeMs,
}
/** What anybody can read of a backup: whose it is, and how old. */
export type BackupAbout = Omit<z.infer<z.ZodObject<typeof about>>, 'format' | 'v'>

const seedsSchema = z.strictObject({ ed25519: bytesOf(SEED_BYTES), mldsa: bytesOf(SEED_BYTES) })
const contentSchema = z.strictObject({
  node: seedsSchema,
  authority: seedsSchema.nullable(),
  database: bytesUpTo(MAX_BACKUP_BYTES),
  /** The text of x0t.yaml. */
  config: z.string().max(MAX_CONFIG_BYTES).nullable(),
})

/** All that a node needs to be the same one again. */
export interface BackupContent {
  readonly secrets: KeystoreSecrets
  /** A whole SQLite file. */
  readonly database: Uint8Array
  readonly config: string | null
}

const plainSeeds = ({ ed25519, mldsa }: HybridSecretSeeds) => ({ ed25519, mldsa })

export async function sealBackup(
  deps: { readonly random: Random },
  aboutIt: BackupAbout,
  { secrets, database, config }: BackupContent,
  passphrase: Uint8Array,
  cost: Argon2Cost = DEFAULT_ARGON2_COST,
): Promise<Uint8Array> {
  const authority = secrets.authority === undefined ? null : plainSeeds(secrets.authority)
  const plain = encodeStrict({ node: plainSeeds(secrets.node), authority, database, config })
  try {
    return await sealFile(deps, { format: 'x0t-backup', v: 1, ...aboutIt }, plain, passphrase, cost)
  } finally {
    wipe(plain)
  }
}

/** @throws FaultError KEYSTORE_DAMAGED (not such a file), KEYSTORE_LOCKED (wrong passphrase, or a changed byte) */
export async function openBackup(
  path: string,
  bytes: Uint8Array,
  passphrase: Uint8Array,
): Promise<{ readonly about: BackupAbout; readonly content: BackupContent }> {
  const file = await openFile(about, bytes, passphrase, MAX_BACKUP_BYTES)
  if (file.kind === 'locked') {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_LOCKED', path },
      `${path} does not open: the passphrase is wrong, or the file was changed`,
      { hint: 'It has the passphrase that was given when it was made, not that of the node.' },
    )
  }
  const opened =
    file.kind === 'opened' ? decodeStrict(contentSchema, file.plain, MAX_BACKUP_BYTES) : undefined
  if (file.kind === 'damaged' || opened === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_DAMAGED', path },
      `${path} is damaged or not a backup of a node`,
      { hint: 'Give the file that x0t backup has written.' },
    )
  }
  wipe(file.plain)
  const { node, authority, database, config } = opened
  const { format: _format, v: _v, ...aboutIt } = file.about
  const secrets = keystoreSecrets(
    secretSeeds(node.ed25519, node.mldsa),
    authority === null ? undefined : secretSeeds(authority.ed25519, authority.mldsa),
  )
  wipe(node.ed25519, node.mldsa)
  if (authority !== null) wipe(authority.ed25519, authority.mldsa)
  return { about: aboutIt, content: { secrets, database, config } }
}
