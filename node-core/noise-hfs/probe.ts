import {
  type Aead,
  type AeadKind,
  type DiffieHellman,
  HASH_BYTES,
  type Hash,
  type Implementation,
  KEY_BYTES,
  type Kem,
  type Primitives,
} from './primitives.ts'
import { nativeAead, nativeDh, nativeHash, nativeKem } from './primitives-native.ts'
import { nobleAead, nobleDh, nobleHash, nobleKem } from './primitives-noble.ts'

/** What a runtime can do natively, each part tried and not guessed from a version. */
export interface Capabilities {
  readonly dh: Implementation
  readonly kem: Implementation
  readonly hash: Implementation
  readonly aead: Readonly<Record<AeadKind, Implementation>>
}

function works(attempt: () => boolean): Implementation {
  try {
    return attempt() ? 'native' : 'noble'
  } catch {
    return 'noble'
  }
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

// Each native part has to understand what the portable one makes: a runtime that has an algorithm by name but not by
// behaviour (BoringSSL in Electron has its own set) falls back to portable code by itself.
const dhWorks = (dh: DiffieHellman): boolean => {
  const native = dh.generate()
  const noble = nobleDh.generate()
  return same(native.agree(dh.readPublic(noble.publicKey)), noble.agree(nobleDh.readPublic(native.publicKey)))
}
const kemWorks = (kem: Kem): boolean => {
  const pair = kem.generate()
  const { ciphertext, sharedSecret } = nobleKem.encapsulate(pair.publicKey)
  return (
    same(pair.decapsulate(ciphertext), sharedSecret) &&
    kem.encapsulate(pair.publicKey).sharedSecret.length > 0
  )
}
const hashWorks = (hash: Hash): boolean => {
  const input = new Uint8Array(HASH_BYTES).fill(7)
  return (
    same(hash.digest(input, input), nobleHash.digest(input, input)) &&
    same(hash.hkdf2(input, input)[1], nobleHash.hkdf2(input, input)[1])
  )
}
const aeadWorks = (aead: Aead): boolean => {
  const bytes = new Uint8Array(KEY_BYTES).fill(3)
  const nonce = new Uint8Array(12).fill(5)
  const parts = aead.key(bytes).seal(nonce, bytes, [bytes])
  const tag = parts.pop()
  const opened =
    tag === undefined ? undefined : nobleAead(aead.kind).key(bytes).open(nonce, bytes, parts, tag)
  return opened !== undefined && same(Buffer.concat(opened), bytes)
}

let probed: Capabilities | undefined

/** What this process can do natively. Tried once; takes a few milliseconds. */
export function probeCapabilities(): Capabilities {
  probed ??= {
    dh: works(() => dhWorks(nativeDh)),
    kem: works(() => kemWorks(nativeKem)),
    hash: works(() => hashWorks(nativeHash)),
    aead: {
      aesgcm: works(() => aeadWorks(nativeAead('aesgcm'))),
      chachapoly: works(() => aeadWorks(nativeAead('chachapoly'))),
    },
  }
  return probed
}

/** The fastest implementation of each part that this runtime has, or the portable one of every part. */
export function selectPrimitives(
  kind: AeadKind,
  prefer: Implementation = 'native',
  capabilities: Capabilities = prefer === 'native' ? probeCapabilities() : ALL_NOBLE,
): Primitives {
  return {
    dh: capabilities.dh === 'native' ? nativeDh : nobleDh,
    kem: capabilities.kem === 'native' ? nativeKem : nobleKem,
    hash: capabilities.hash === 'native' ? nativeHash : nobleHash,
    aead: capabilities.aead[kind] === 'native' ? nativeAead(kind) : nobleAead(kind),
  }
}

const ALL_NOBLE: Capabilities = {
  dh: 'noble',
  kem: 'noble',
  hash: 'noble',
  aead: { aesgcm: 'noble', chachapoly: 'noble' },
}
