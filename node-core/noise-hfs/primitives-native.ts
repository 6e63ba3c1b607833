import {
  type CipherGCM,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  createSecretKey,
  type DecipherGCM,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { handshakeError } from './faults.ts'
import { exportPublic, importPrivate, importPublic } from './native-keys.ts'
import {
  type Aead,
  type AeadKey,
  type AeadKind,
  DH_BYTES,
  type DhKeyPair,
  type DhPublicKey,
  type DiffieHellman,
  HASH_BYTES,
  type Hash,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  type Kem,
  type KemKeyPair,
  TAG_BYTES,
} from './primitives.ts'

const KEM_SEED_BYTES = 64
const EMPTY = Buffer.alloc(0)

class NativePublicKey implements DhPublicKey {
  readonly bytes: Uint8Array
  readonly key: KeyObject

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.key = importPublic('x25519', bytes)
  }
}

function dhKeyPair(publicKey: Uint8Array, privateKey: KeyObject): DhKeyPair {
  let held: KeyObject | undefined = privateKey
  return {
    publicKey,
    agree(remote) {
      if (held === undefined || !(remote instanceof NativePublicKey))
        throw handshakeError({ code: 'MISUSED' })
      try {
        // OpenSSL refuses an all-zero result, which is the check that RFC 7748 section 6.1 asks for.
        return diffieHellman({ privateKey: held, publicKey: remote.key })
      } catch (error) {
        throw handshakeError({ code: 'WEAK_PUBLIC_KEY' }, error)
      }
    },
    // A KeyObject lives outside the JavaScript heap; OpenSSL clears it when the last reference goes.
    wipe() {
      held = undefined
    },
  }
}

export const nativeDh: DiffieHellman = {
  implementation: 'native',
  generate() {
    const { publicKey, privateKey } = generateKeyPairSync('x25519')
    return dhKeyPair(exportPublic('x25519', publicKey), privateKey)
  },
  readPublic(bytes) {
    if (bytes.length !== DH_BYTES) throw handshakeError({ code: 'MISUSED' })
    return new NativePublicKey(bytes)
  },
  fromPrivate(bytes) {
    const privateKey = importPrivate('x25519', bytes)
    return dhKeyPair(exportPublic('x25519', createPublicKey(privateKey)), privateKey)
  },
}

function kemKeyPair(publicKey: Uint8Array, privateKey: KeyObject): KemKeyPair {
  let held: KeyObject | undefined = privateKey
  return {
    publicKey,
    decapsulate(ciphertext) {
      if (held === undefined) throw handshakeError({ code: 'MISUSED' })
      if (ciphertext.length !== KEM_CIPHERTEXT_BYTES) throw handshakeError({ code: 'BAD_KEM_INPUT' })
      try {
        return decapsulate(held, ciphertext)
      } catch (error) {
        throw handshakeError({ code: 'BAD_KEM_INPUT' }, error)
      }
    },
    wipe() {
      held = undefined
    },
  }
}

export const nativeKem: Kem = {
  implementation: 'native',
  generate() {
    const { publicKey, privateKey } = generateKeyPairSync('ml-kem-768')
    return kemKeyPair(exportPublic('ml-kem-768', publicKey), privateKey)
  },
  fromSeed(seed) {
    if (seed.length !== KEM_SEED_BYTES) throw handshakeError({ code: 'MISUSED' })
    const privateKey = importPrivate('ml-kem-768', seed)
    return kemKeyPair(exportPublic('ml-kem-768', createPublicKey(privateKey)), privateKey)
  },
  encapsulate(publicKey) {
    if (publicKey.length !== KEM_PUBLIC_KEY_BYTES) throw handshakeError({ code: 'BAD_KEM_INPUT' })
    try {
      const { ciphertext, sharedKey } = encapsulate(importPublic('ml-kem-768', publicKey))
      return { ciphertext, sharedSecret: sharedKey }
    } catch (error) {
      throw handshakeError({ code: 'BAD_KEM_INPUT' }, error)
    }
  },
}

export const nativeHash: Hash = {
  implementation: 'native',
  digest(...parts) {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return hash.digest()
  },
  hkdf2(chainingKey, input) {
    // Noise section 4.3 is RFC 5869 with the chaining key as salt and an empty info.
    // The input goes in as a KeyObject: as bytes, `node:crypto` first throws and catches an error of its own.
    const secret = input.length === 0 ? input : createSecretKey(input)
    const both = new Uint8Array(hkdfSync('sha256', secret, chainingKey, EMPTY, 2 * HASH_BYTES))
    return [both.subarray(0, HASH_BYTES), both.subarray(HASH_BYTES)]
  },
}

const NODE_CIPHERS: Record<AeadKind, 'aes-256-gcm' | 'chacha20-poly1305'> = {
  aesgcm: 'aes-256-gcm',
  chachapoly: 'chacha20-poly1305',
}
const OPTIONS = { authTagLength: TAG_BYTES }

/** `node:crypto` types GCM and ChaCha20-Poly1305 apart; their objects have the same methods. */
function cipherFor(
  kind: AeadKind,
  key: KeyObject,
  nonce: Uint8Array,
): Pick<CipherGCM, 'setAAD' | 'update' | 'final' | 'getAuthTag'> {
  return NODE_CIPHERS[kind] === 'aes-256-gcm'
    ? createCipheriv('aes-256-gcm', key, nonce, OPTIONS)
    : createCipheriv('chacha20-poly1305', key, nonce, OPTIONS)
}

function decipherFor(
  kind: AeadKind,
  key: KeyObject,
  nonce: Uint8Array,
): Pick<DecipherGCM, 'setAAD' | 'update' | 'final' | 'setAuthTag'> {
  return NODE_CIPHERS[kind] === 'aes-256-gcm'
    ? createDecipheriv('aes-256-gcm', key, nonce, OPTIONS)
    : createDecipheriv('chacha20-poly1305', key, nonce, OPTIONS)
}

function aeadKey(kind: AeadKind, bytes: Uint8Array): AeadKey {
  // A KeyObject and not the bytes: with the bytes each message pays 8 us more to import them again.
  let key: KeyObject | undefined = createSecretKey(bytes)
  const held = (): KeyObject => {
    if (key === undefined) throw handshakeError({ code: 'MISUSED' })
    return key
  }
  return {
    seal(nonce, ad, plaintext) {
      const cipher = cipherFor(kind, held(), nonce)
      if (ad.length > 0) cipher.setAAD(ad)
      const parts: Uint8Array[] = []
      for (const part of plaintext) parts.push(cipher.update(part))
      cipher.final()
      parts.push(cipher.getAuthTag())
      return parts
    },
    open(nonce, ad, ciphertext, tag) {
      const decipher = decipherFor(kind, held(), nonce)
      decipher.setAuthTag(tag)
      if (ad.length > 0) decipher.setAAD(ad)
      const parts: Uint8Array[] = []
      for (const part of ciphertext) parts.push(decipher.update(part))
      try {
        decipher.final()
        return parts
      } catch {
        return undefined
      }
    },
    authenticate(nonce, parts) {
      const cipher = cipherFor(kind, held(), nonce)
      for (const part of parts) cipher.setAAD(part)
      cipher.final()
      return cipher.getAuthTag()
    },
    verify(nonce, parts, tag) {
      const decipher = decipherFor(kind, held(), nonce)
      decipher.setAuthTag(tag)
      for (const part of parts) decipher.setAAD(part)
      try {
        decipher.final()
        return true
      } catch {
        return false
      }
    },
    wipe() {
      key = undefined
    },
  }
}

export const nativeAead = (kind: AeadKind): Aead => ({
  implementation: 'native',
  kind,
  key: (bytes) => aeadKey(kind, bytes),
})
