import { z } from 'zod'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { bytesOf, bytesUpTo, decodeStrict, encodeStrict } from './codec.ts'
import {
  ARGON2_BOUNDS,
  type Argon2Cost,
  BOX_NONCE_BYTES,
  DEFAULT_ARGON2_COST,
  deriveBoxKey,
  openBox,
  sealBox,
} from './secret-box.ts'

const SALT_BYTES = 16

const bounded = (bounds: { readonly min: number; readonly max: number }): z.ZodType<number> =>
  z.int().min(bounds.min).max(bounds.max)

const lockShape = {
  salt: bytesOf(SALT_BYTES),
  memoryKiB: bounded(ARGON2_BOUNDS.memoryKiB),
  passes: bounded(ARGON2_BOUNDS.passes),
  lanes: bounded(ARGON2_BOUNDS.lanes),
  nonce: bytesOf(BOX_NONCE_BYTES),
}

/** Seals bytes under a passphrase: argon2id and XChaCha20-Poly1305. `about` can be read by anybody, and is authenticated. */
export async function sealFile(
  deps: { readonly random: Random },
  about: Readonly<Record<string, unknown>>,
  plain: Uint8Array,
  passphrase: Uint8Array,
  cost: Argon2Cost = DEFAULT_ARGON2_COST,
): Promise<Uint8Array> {
  const { memoryKiB, passes, lanes } = cost
  const lock = { salt: deps.random.bytes(SALT_BYTES), nonce: deps.random.bytes(BOX_NONCE_BYTES) }
  const header = { ...about, ...lock, memoryKiB, passes, lanes }
  const key = await deriveBoxKey(passphrase, header.salt, cost)
  try {
    return encodeStrict({ header, sealed: sealBox(key, header.nonce, encodeStrict(header), plain) })
  } finally {
    wipe(key)
  }
}

export type OpenedFile<A> =
  | { readonly kind: 'opened'; readonly about: A; readonly plain: Uint8Array }
  /** No file of this kind. */
  | { readonly kind: 'damaged' }
  /** The passphrase is wrong, or a byte was changed: the two cannot be told apart. */
  | { readonly kind: 'locked' }

/** `about` is the shape of what the header says beside how it is locked. `plain` is the caller's to wipe. */
export async function openFile<S extends z.ZodRawShape>(
  about: S,
  bytes: Uint8Array,
  passphrase: Uint8Array,
  maxBytes: number,
): Promise<OpenedFile<z.infer<z.ZodObject<S>>>> {
  const aboutSchema = z.object(about)
  const lockSchema = z.object(lockShape)
  const outer = decodeStrict(
    z.strictObject({ header: z.strictObject({ ...about, ...lockShape }), sealed: bytesUpTo(maxBytes) }),
    bytes,
    maxBytes,
  )
  if (outer === undefined) return { kind: 'damaged' }
  const { salt, memoryKiB, passes, lanes, nonce } = lockSchema.parse(outer.header)
  const key = await deriveBoxKey(passphrase, salt, { memoryKiB, passes, lanes })
  const plain = openBox(key, nonce, encodeStrict(outer.header), outer.sealed)
  wipe(key)
  return plain === undefined
    ? { kind: 'locked' }
    : { kind: 'opened', about: aboutSchema.parse(outer.header), plain }
}
