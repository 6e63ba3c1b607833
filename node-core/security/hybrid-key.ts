import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { z } from 'zod'
import { FaultError } from '../platform/error.ts'
import type { Random } from '../platform/random.ts'
import { wipe } from '../platform/secret.ts'
import { bytesOf } from './codec.ts'
import type { SecurityFault } from './faults.ts'
import {
  bestMldsa,
  MLDSA_PUBLIC_KEY_BYTES,
  MLDSA_SEED_BYTES,
  MLDSA_SIGNATURE_BYTES,
  type Mldsa,
} from './mldsa.ts'
import { hideSecrets } from './redact.ts'

const ED25519_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64

/** An Ed25519 key of 32 bytes and an ML-DSA-65 key of 1952 bytes that speak for the same owner. */
export interface HybridPublicKey {
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
}

/** 64 and 3309 bytes. Worth something only if both verify. */
export interface HybridSignature {
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
}

/** Two seeds of 32 bytes. Secret; hidden from `JSON.stringify` and `inspect` when made by this layer. */
export interface HybridSecretSeeds {
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
}

export const hybridPublicKeySchema: z.ZodType<HybridPublicKey> = z.strictObject({
  ed25519: bytesOf(ED25519_BYTES),
  mldsa: bytesOf(MLDSA_PUBLIC_KEY_BYTES),
})

export const hybridSignatureSchema: z.ZodType<HybridSignature> = z.strictObject({
  ed25519: bytesOf(ED25519_SIGNATURE_BYTES),
  mldsa: bytesOf(MLDSA_SIGNATURE_BYTES),
})

export interface HybridKey {
  readonly publicKey: HybridPublicKey
  /** Both signatures, on the calling thread (about 0.8 ms native). Throws KEY_WIPED after `wipe`. */
  sign(context: string, message: Uint8Array): HybridSignature
  /** The ML-DSA signature alone, off the calling thread where the runtime can. Rejects with KEY_WIPED after `wipe`. */
  signMldsa(context: string, message: Uint8Array): Promise<Uint8Array>
  /** Forgets the secret halves. */
  wipe(): void
}

/** Copies two seeds into an object that does not show them. */
export function secretSeeds(ed25519: Uint8Array, mldsa: Uint8Array): HybridSecretSeeds {
  const seeds = { ed25519: Uint8Array.from(ed25519), mldsa: Uint8Array.from(mldsa) }
  return hideSecrets('secret seeds', seeds, ['ed25519', 'mldsa'])
}

/** Fresh seeds. `random` must be `systemRandom` outside tests. */
export function generateSeeds(random: Random): HybridSecretSeeds {
  const ed25519 = random.bytes(ED25519_BYTES)
  const mldsa = random.bytes(MLDSA_SEED_BYTES)
  try {
    return secretSeeds(ed25519, mldsa)
  } finally {
    wipe(ed25519, mldsa)
  }
}

export const wipeSeeds = (seeds: HybridSecretSeeds | undefined): void => wipe(seeds?.ed25519, seeds?.mldsa)

/**
 * What both algorithms sign: `context || 0x00 || message`. Ed25519 (RFC 8032) has no context string, so the prefix gives it
 * one; contexts hold no zero byte, so no two (context, message) pairs share their bytes.
 */
function framed(context: string, message: Uint8Array): { bytes: Uint8Array; context: Uint8Array } {
  const name = new TextEncoder().encode(context)
  const bytes = new Uint8Array(name.length + 1 + message.length)
  bytes.set(name)
  bytes.set(message, name.length + 1)
  return { bytes, context: name }
}

// RFC 8410: PKCS #8 and SubjectPublicKeyInfo of a raw Ed25519 key.
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

function importEd25519Seed(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([ED25519_PKCS8_PREFIX, seed])
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  } finally {
    wipe(der)
  }
}

/** The seeds are not kept: the caller may wipe them afterwards. Throws BAD_SEED. */
export function createHybridKey(seeds: HybridSecretSeeds, mldsa: Mldsa = bestMldsa()): HybridKey {
  if (seeds.ed25519.length !== ED25519_BYTES || seeds.mldsa.length !== MLDSA_SEED_BYTES) {
    throw new FaultError<SecurityFault>(
      { code: 'BAD_SEED' },
      'a hybrid key is made from two seeds of 32 bytes',
    )
  }
  const ed25519 = importEd25519Seed(seeds.ed25519)
  const spki = createPublicKey(ed25519).export({ format: 'der', type: 'spki' })
  const lattice = mldsa.keyFromSeed(seeds.mldsa)
  let secret: { ed25519: KeyObject; lattice: typeof lattice } | undefined = { ed25519, lattice }
  const held = (): { ed25519: KeyObject; lattice: typeof lattice } => {
    if (secret === undefined) throw new FaultError<SecurityFault>({ code: 'KEY_WIPED' }, 'the key was wiped')
    return secret
  }
  return {
    publicKey: {
      ed25519: new Uint8Array(spki.subarray(ED25519_SPKI_PREFIX.length)),
      mldsa: lattice.publicKey,
    },
    sign(context, message) {
      const key = held()
      const input = framed(context, message)
      return {
        ed25519: new Uint8Array(sign(null, input.bytes, key.ed25519)),
        mldsa: key.lattice.sign(input.bytes, input.context),
      }
    },
    async signMldsa(context, message) {
      const input = framed(context, message)
      return held().lattice.signAsync(input.bytes, input.context)
    },
    wipe() {
      lattice.wipe()
      secret = undefined
    },
  }
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== ED25519_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return false
  try {
    const der = Buffer.concat([ED25519_SPKI_PREFIX, publicKey])
    return verify(null, message, createPublicKey({ key: der, format: 'der', type: 'spki' }), signature)
  } catch {
    // Bytes that are no point of the curve cannot have signed anything.
    return false
  }
}

/** True only when both signatures verify. Never throws for bad input. */
export function verifyHybrid(
  publicKey: HybridPublicKey,
  context: string,
  message: Uint8Array,
  signature: HybridSignature,
  mldsa: Mldsa = bestMldsa(),
): boolean {
  const input = framed(context, message)
  return (
    verifyEd25519(publicKey.ed25519, input.bytes, signature.ed25519) &&
    mldsa.verify(publicKey.mldsa, input.bytes, input.context, signature.mldsa)
  )
}

/** The ML-DSA half alone, for admission, where Noise has proved the Ed25519 key already. Never rejects for bad input. */
export async function verifyMldsa(
  publicKey: HybridPublicKey,
  context: string,
  message: Uint8Array,
  signature: Uint8Array,
  mldsa: Mldsa = bestMldsa(),
): Promise<boolean> {
  // 0.14 ms native: handing it to the thread pool would cost about as much as doing it.
  const input = framed(context, message)
  return mldsa.verify(publicKey.mldsa, input.bytes, input.context, signature)
}
