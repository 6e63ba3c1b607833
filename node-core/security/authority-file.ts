import { z } from 'zod'
import type { MeshId } from '../domain/ids.ts'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { meshIdSchema } from './certificate.ts'
import type { SecurityFault } from './faults.ts'
import { type HybridSecretSeeds, secretSeeds } from './hybrid-key.ts'
import { openFile, sealFile } from './sealed-file.ts'
import { type Argon2Cost, DEFAULT_ARGON2_COST } from './secret-box.ts'

/** A sealed authority is a few hundred bytes. */
export const MAX_AUTHORITY_FILE_BYTES = 4 * 1024
const SEED_BYTES = 32

/** The key that a whole mesh rests on, outside of any node. `seeds` belong to the caller, who wipes them. */
export interface ExportedAuthority {
  readonly meshId: MeshId
  /** What people call the mesh. */
  readonly meshName: string
  readonly seeds: HybridSecretSeeds
}

const about = {
  format: z.literal('x0t-authority'),
  v: z.literal(1),
  meshId: meshIdSchema,
  meshName: z.string().max(63),
}

/** Seals an authority under a passphrase: argon2id and XChaCha20-Poly1305, the header authenticated with it. */
export async function sealAuthority(
  deps: { readonly random: Random },
  { meshId, meshName, seeds }: ExportedAuthority,
  passphrase: Uint8Array,
  cost: Argon2Cost = DEFAULT_ARGON2_COST,
): Promise<Uint8Array> {
  const plain = new Uint8Array(2 * SEED_BYTES)
  plain.set(seeds.ed25519, 0)
  plain.set(seeds.mldsa, SEED_BYTES)
  try {
    return await sealFile(deps, { format: 'x0t-authority', v: 1, meshId, meshName }, plain, passphrase, cost)
  } finally {
    wipe(plain)
  }
}

/** @throws FaultError KEYSTORE_DAMAGED (not such a file), KEYSTORE_LOCKED (wrong passphrase, or a changed byte) */
export async function openAuthority(
  path: string,
  bytes: Uint8Array,
  passphrase: Uint8Array,
): Promise<ExportedAuthority> {
  const file = await openFile(about, bytes, passphrase, MAX_AUTHORITY_FILE_BYTES)
  if (file.kind === 'damaged') {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_DAMAGED', path },
      `${path} is damaged or not a sealed authority`,
      { hint: 'Give the file that x0t authority export has written.' },
    )
  }
  if (file.kind === 'locked' || file.plain.length !== 2 * SEED_BYTES) {
    throw new FaultError<SecurityFault>(
      { code: 'KEYSTORE_LOCKED', path },
      `${path} does not open: the passphrase is wrong, or the file was changed`,
      { hint: 'It has the passphrase that was given when it was exported, not that of a node.' },
    )
  }
  const { plain } = file
  try {
    const seeds = secretSeeds(plain.subarray(0, SEED_BYTES), plain.subarray(SEED_BYTES))
    return { meshId: file.about.meshId, meshName: file.about.meshName, seeds }
  } finally {
    wipe(plain)
  }
}
