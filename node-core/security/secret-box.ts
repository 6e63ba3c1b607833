import * as crypto from 'node:crypto'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { argon2idAsync } from '@noble/hashes/argon2.js'

export const BOX_KEY_BYTES = 32
export const BOX_NONCE_BYTES = 24

/** Argon2id (RFC 9106) cost. */
export interface Argon2Cost {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes. About 0.3 s. */
export const DEFAULT_ARGON2_COST: Argon2Cost = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 }

/** A file may not ask for more when it is opened, nor may it be sealed with less. */
export const ARGON2_BOUNDS = {
  memoryKiB: { min: 8 * 1024, max: 256 * 1024 },
  passes: { min: 1, max: 10 },
  lanes: { min: 1, max: 8 },
} as const

/** XChaCha20-Poly1305. The key, the nonce and the additional data must be those of `openBox`. */
export const sealBox = (
  key: Uint8Array,
  nonce: Uint8Array,
  header: Uint8Array,
  plain: Uint8Array,
): Uint8Array => xchacha20poly1305(key, nonce, header).encrypt(plain)

/** `undefined` when the key is wrong or a byte was changed: the two cannot be told apart. */
export function openBox(
  key: Uint8Array,
  nonce: Uint8Array,
  header: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  try {
    return xchacha20poly1305(key, nonce, header).decrypt(sealed)
  } catch {
    return undefined
  }
}

/** A 32-byte key from a passphrase, by OpenSSL off the calling thread where the runtime has it, else by noble in slices. */
export async function deriveBoxKey(
  passphrase: Uint8Array,
  salt: Uint8Array,
  cost: Argon2Cost,
  implementation: 'best' | 'noble' = 'best',
): Promise<Uint8Array> {
  // Absent before Node 24.7 and in Electron, whose crypto is BoringSSL.
  const native = (crypto as Partial<Pick<typeof crypto, 'argon2'>>).argon2
  if (implementation === 'noble' || native === undefined) {
    const { memoryKiB, passes, lanes } = cost
    return argon2idAsync(passphrase, salt, { m: memoryKiB, t: passes, p: lanes, dkLen: BOX_KEY_BYTES })
  }
  return new Promise((resolve, reject) => {
    native(
      'argon2id',
      {
        message: passphrase,
        nonce: salt,
        memory: cost.memoryKiB,
        passes: cost.passes,
        parallelism: cost.lanes,
        tagLength: BOX_KEY_BYTES,
      },
      (error, key) => {
        if (error === null) resolve(new Uint8Array(key))
        else reject(error)
      },
    )
  })
}
