import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { wipe } from '../platform/secret.ts'

/** FIPS 204, table 2, ML-DSA-65. */
export const MLDSA_PUBLIC_KEY_BYTES = 1952
export const MLDSA_SIGNATURE_BYTES = 3309
export const MLDSA_SEED_BYTES = 32

/** One ML-DSA-65 secret key. `context` is the FIPS 204 context string, at most 255 bytes. */
export interface MldsaKey {
  readonly publicKey: Uint8Array
  sign(message: Uint8Array, context: Uint8Array): Uint8Array
  signAsync(message: Uint8Array, context: Uint8Array): Promise<Uint8Array>
  wipe(): void
}

/** An implementation of ML-DSA-65. All of them make the same keys from the same 32-byte seed. */
export interface Mldsa {
  readonly name: 'native' | 'noble'
  keyFromSeed(seed: Uint8Array): MldsaKey
  verify(publicKey: Uint8Array, message: Uint8Array, context: Uint8Array, signature: Uint8Array): boolean
}

export const nobleMldsa: Mldsa = {
  name: 'noble',
  keyFromSeed(seed) {
    const { publicKey, secretKey } = ml_dsa65.keygen(seed)
    const sign = (message: Uint8Array, context: Uint8Array): Uint8Array =>
      ml_dsa65.sign(message, secretKey, { context })
    return {
      publicKey,
      sign,
      signAsync: async (message, context) => sign(message, context),
      wipe: () => wipe(secretKey),
    }
  },
  verify(publicKey, message, context, signature) {
    if (publicKey.length !== MLDSA_PUBLIC_KEY_BYTES || signature.length !== MLDSA_SIGNATURE_BYTES)
      return false
    return ml_dsa65.verify(signature, message, publicKey, { context })
  },
}

// RFC 9881: PrivateKeyInfo with the 32-byte seed alone ([0] IMPLICIT OCTET STRING), and SubjectPublicKeyInfo.
const PKCS8_SEED_PREFIX = Buffer.from('3034020100300b060960864801650304031204228020', 'hex')
const SPKI_PREFIX = Buffer.from('308207b2300b0609608648016503040312038207a100', 'hex')

/** Importing a public key costs a third of a verification: a certificate's key is used for every reconnect. */
const imported = new WeakMap<Uint8Array, KeyObject>()

function importPublicKey(publicKey: Uint8Array): KeyObject {
  const known = imported.get(publicKey)
  if (known !== undefined) return known
  const der = Buffer.concat([SPKI_PREFIX, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  imported.set(publicKey, key)
  return key
}

const native: Mldsa = {
  name: 'native',
  keyFromSeed(seed) {
    const der = Buffer.concat([PKCS8_SEED_PREFIX, seed])
    let key: KeyObject
    try {
      key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    } finally {
      wipe(der)
    }
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
    return {
      publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
      sign: (message, context) => new Uint8Array(sign(null, message, { key, context })),
      // In the thread pool: a signature costs the event loop nothing.
      signAsync: (message, context) =>
        new Promise((resolve, reject) => {
          sign(null, message, { key, context }, (error, signature) => {
            if (error === null) resolve(new Uint8Array(signature))
            else reject(error)
          })
        }),
      wipe: () => {},
    }
  },
  verify(publicKey, message, context, signature) {
    if (publicKey.length !== MLDSA_PUBLIC_KEY_BYTES || signature.length !== MLDSA_SIGNATURE_BYTES)
      return false
    return verify(null, message, { key: importPublicKey(publicKey), context }, signature)
  },
}

/**
 * The native implementation, if this runtime has it and it honours the context string: versions of Node that know
 * ML-DSA but not `context` would silently sign something else.
 */
function probeNative(): Mldsa | undefined {
  const seed = new Uint8Array(MLDSA_SEED_BYTES).fill(7)
  const message = new Uint8Array([1, 2, 3])
  const context = new Uint8Array([4])
  try {
    const key = native.keyFromSeed(seed)
    const signature = key.sign(message, context)
    const honest = native.verify(key.publicKey, message, context, signature)
    const blind = native.verify(key.publicKey, message, new Uint8Array([5]), signature)
    return honest && !blind ? native : undefined
  } catch {
    return undefined
  }
}

let probed: { found: Mldsa | undefined } | undefined

export function nativeMldsa(): Mldsa | undefined {
  probed ??= { found: probeNative() }
  return probed.found
}

/** The fastest implementation that works here. */
export const bestMldsa = (): Mldsa => nativeMldsa() ?? nobleMldsa
