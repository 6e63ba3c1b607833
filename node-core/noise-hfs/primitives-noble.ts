import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { x25519 } from '@noble/curves/ed25519.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { wipe } from '../platform/secret.ts'
import { handshakeError } from './faults.ts'
import {
  type Aead,
  type AeadKey,
  type AeadKind,
  DH_BYTES,
  type DhKeyPair,
  type DiffieHellman,
  type Hash,
  type Kem,
  type KemKeyPair,
  TAG_BYTES,
} from './primitives.ts'

function dhKeyPair(privateKey: Uint8Array): DhKeyPair {
  let held: Uint8Array | undefined = privateKey
  return {
    publicKey: x25519.getPublicKey(privateKey),
    agree(remote) {
      if (held === undefined) throw handshakeError({ code: 'MISUSED' })
      try {
        // noble refuses an all-zero result (RFC 7748 section 6.1).
        return x25519.getSharedSecret(held, remote.bytes)
      } catch (error) {
        throw handshakeError({ code: 'WEAK_PUBLIC_KEY' }, error)
      }
    },
    wipe() {
      wipe(held)
      held = undefined
    },
  }
}

export const nobleDh: DiffieHellman = {
  implementation: 'noble',
  generate: () => dhKeyPair(x25519.utils.randomSecretKey()),
  readPublic(bytes) {
    if (bytes.length !== DH_BYTES) throw handshakeError({ code: 'MISUSED' })
    return { bytes }
  },
  fromPrivate: (bytes) => dhKeyPair(Uint8Array.from(bytes)),
}

function kemKeyPair(pair: { publicKey: Uint8Array; secretKey: Uint8Array }): KemKeyPair {
  let held: Uint8Array | undefined = pair.secretKey
  return {
    publicKey: pair.publicKey,
    decapsulate(ciphertext) {
      if (held === undefined) throw handshakeError({ code: 'MISUSED' })
      try {
        return ml_kem768.decapsulate(ciphertext, held)
      } catch (error) {
        throw handshakeError({ code: 'BAD_KEM_INPUT' }, error)
      }
    },
    wipe() {
      wipe(held)
      held = undefined
    },
  }
}

/** With `encapsulationSeed`, 32 bytes, encapsulation is deterministic: for published vectors alone. */
export function createNobleKem(encapsulationSeed?: Uint8Array): Kem {
  return {
    implementation: 'noble',
    generate: () => kemKeyPair(ml_kem768.keygen()),
    fromSeed: (seed) => kemKeyPair(ml_kem768.keygen(seed)),
    encapsulate(publicKey) {
      try {
        const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey, encapsulationSeed)
        return { ciphertext: cipherText, sharedSecret }
      } catch (error) {
        throw handshakeError({ code: 'BAD_KEM_INPUT' }, error)
      }
    },
  }
}

export const nobleKem: Kem = createNobleKem()

export const nobleHash: Hash = {
  implementation: 'noble',
  digest(...parts) {
    const hash = sha256.create()
    for (const part of parts) hash.update(part)
    return hash.digest()
  },
  hkdf2(chainingKey, input) {
    const temporary = hmac(sha256, chainingKey, input)
    const first = hmac(sha256, temporary, Uint8Array.of(1))
    const second = hmac.create(sha256, temporary).update(first).update(Uint8Array.of(2)).digest()
    wipe(temporary)
    return [first, second]
  },
}

const NO_BYTES = new Uint8Array(0)

/** One run of bytes, which the portable ciphers need. Copies only when there are several parts. */
function joined(parts: Iterable<Uint8Array>, end?: Uint8Array): Uint8Array {
  const all = end === undefined ? [...parts] : [...parts, end]
  return all.length === 1 && all[0] !== undefined ? all[0] : Buffer.concat(all)
}

function aeadKey(kind: AeadKind, bytes: Uint8Array): AeadKey {
  const cipher = kind === 'aesgcm' ? gcm : chacha20poly1305
  let key: Uint8Array | undefined = Uint8Array.from(bytes)
  const held = (): Uint8Array => {
    if (key === undefined) throw handshakeError({ code: 'MISUSED' })
    return key
  }
  return {
    seal(nonce, ad, plaintext) {
      const sealed = cipher(held(), nonce, ad).encrypt(joined(plaintext))
      return [sealed.subarray(0, sealed.length - TAG_BYTES), sealed.subarray(sealed.length - TAG_BYTES)]
    },
    open(nonce, ad, ciphertext, tag) {
      const secret = held()
      try {
        return [cipher(secret, nonce, ad).decrypt(joined(ciphertext, tag))]
      } catch {
        return undefined
      }
    },
    authenticate: (nonce, parts) => cipher(held(), nonce, joined(parts)).encrypt(NO_BYTES),
    verify(nonce, parts, tag) {
      const secret = held()
      try {
        cipher(secret, nonce, joined(parts)).decrypt(tag)
        return true
      } catch {
        return false
      }
    },
    wipe() {
      wipe(key)
      key = undefined
    },
  }
}

export const nobleAead = (kind: AeadKind): Aead => ({
  implementation: 'noble',
  kind,
  key: (bytes) => aeadKey(kind, bytes),
})
