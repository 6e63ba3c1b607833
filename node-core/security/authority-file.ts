import { z } from 'zod'
import type { MeshId } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { meshIdSchema } from './certificate.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import { type HybridSecretSeeds, secretSeeds } from './hybrid-key.ts'
import {
  ARGON2_BOUNDS,
  type Argon2Cost,
  BOX_NONCE_BYTES,
  DEFAULT_ARGON2_COST,
  deriveBoxKey,
  openBox,
  sealBox,
} from './secret-box.ts'

/** A sealed authority is a few hundred bytes. */
export const MAX_AUTHORITY_FILE_BYTES = 4 * 1024
const SALT_BYTES = 16
const SEED_BYTES = 32

/** The key that a whole mesh rests on, outside of any node. `seeds` belong to the caller, who wipes them. */
export interface ExportedAuthority {
  readonly meshId: MeshId
  /** What people call the mesh. */
  readonly meshName: string
  readonly seeds: HybridSecretSeeds
}

const bounded = (bounds: { readonly min: number; readonly max: number }): z.ZodType<number> =>
  z.int().min(bounds.min).max(bounds.max)

const headerSchema = z.strictObject({
  format: z.literal('x0t-authority'),
  v: z.literal(1),
  meshId: meshIdSchema,
  meshName: z.string().max(63),
  salt: bytesOf(SALT_BYTES),
  memoryKiB: bounded(ARGON2_BOUNDS.memoryKiB),
  passes: bounded(ARGON2_BOUNDS.passes),
  lanes: bounded(ARGON2_BOUNDS.lanes),
  nonce: bytesOf(BOX_NONCE_BYTES),
})
const fileSchema = z.strictObject({ header: headerSchema, sealed: bytesUpTo(MAX_AUTHORITY_FILE_BYTES) })

/** Seals an authority under a passphrase: argon2id and XChaCha20-Poly1305, the header authenticated with it. */
export async function sealAuthority(
  deps: { readonly random: Random },
  { meshId, meshName, seeds }: ExportedAuthority,
  passphrase: Uint8Array,
  cost: Argon2Cost = DEFAULT_ARGON2_COST,
): Promise<Uint8Array> {
  const header = {
    ...({ format: 'x0t-authority', v: 1, meshId, meshName } as const),
    ...{ salt: deps.random.bytes(SALT_BYTES), ...cost, nonce: deps.random.bytes(BOX_NONCE_BYTES) },
  }
  const key = await deriveBoxKey(passphrase, header.salt, cost)
  const plain = new Uint8Array(2 * SEED_BYTES)
  plain.set(seeds.ed25519, 0)
  plain.set(seeds.mldsa, SEED_BYTES)
  try {
    const sealed = sealBox(key, header.nonce, encodeStrict(header), plain)
    return encodeStrict({ header, sealed })
  } finally {
    wipe(key, plain)
  }
}

/** @throws FaultError KEYSTORE_DAMAGED (not such a file), KEYSTORE_LOCKED (wrong passphrase, or a changed byte) */
export async function openAuthority(
  path: string,
  bytes: Uint8Array,
  passphrase: Uint8Array,
): Promise<ExportedAuthority> {
  const file = decodeStrict(fileSchema, bytes, MAX_AUTHORITY_FILE_BYTES)
  if (file === undefined) {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_DAMAGED', path },
      `${path} is damaged or not a sealed authority`,
      { hint: 'Give the file that x0t authority export has written.' },
    )
  }
  const { header, sealed } = file
  const { memoryKiB, passes, lanes } = header
  const key = await deriveBoxKey(passphrase, header.salt, { memoryKiB, passes, lanes })
  const plain = openBox(key, header.nonce, encodeStrict(header), sealed)
  wipe(key)
  if (plain?.length !== 2 * SEED_BYTES) {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_LOCKED', path },
      `${path} does not open: the passphrase is wrong, or the file was changed`,
      { hint: 'It has the passphrase that was given when it was exported, not that of a node.' },
    )
  }
  try {
    const seeds = secretSeeds(plain.subarray(0, SEED_BYTES), plain.subarray(SEED_BYTES))
    return { meshId: header.meshId, meshName: header.meshName, seeds }
  } finally {
    wipe(plain)
  }
}
