/** What the handshake needs from cryptography, so that native and portable code can stand in for each other. */

export type Implementation = 'native' | 'noble'

/** The other end's X25519 key, read once and used for several agreements. */
export interface DhPublicKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array
}

/** An X25519 key pair (RFC 7748). The private half stays inside. */
export interface DhKeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /**
   * 32 bytes of shared secret. The key comes from the same implementation.
   *
   * @throws HandshakeError WEAK_PUBLIC_KEY when the secret is all zero (RFC 7748 section 6.1).
   */
  agree(remote: DhPublicKey): Uint8Array
  wipe(): void
}

export interface DiffieHellman {
  readonly implementation: Implementation
  generate(): DhKeyPair
  /** From 32 bytes; all of them are points. */
  readPublic(bytes: Uint8Array): DhPublicKey
  /** From 32 private bytes, which stay the caller's. */
  fromPrivate(privateKey: Uint8Array): DhKeyPair
}

/** An ML-KEM-768 key pair (FIPS 203). The private half stays inside. */
export interface KemKeyPair {
  /** 1184 bytes. */
  readonly publicKey: Uint8Array
  /**
   * 32 bytes of shared secret. A wrong ciphertext of the right size gives another secret, not an error: FIPS 203
   * section 6.3, implicit rejection.
   *
   * @throws HandshakeError BAD_KEM_INPUT
   */
  decapsulate(ciphertext: Uint8Array): Uint8Array
  wipe(): void
}

export interface Encapsulation {
  /** 1088 bytes. */
  readonly ciphertext: Uint8Array
  /** 32 bytes. */
  readonly sharedSecret: Uint8Array
}

export interface Kem {
  readonly implementation: Implementation
  generate(): KemKeyPair
  /** From the 64 bytes `d || z` of FIPS 203 section 7.1, which stay the caller's. */
  fromSeed(seed: Uint8Array): KemKeyPair
  /** @throws HandshakeError BAD_KEM_INPUT when the key fails the modulus check of FIPS 203 section 7.2. */
  encapsulate(publicKey: Uint8Array): Encapsulation
}

/** SHA-256 and the HKDF of Noise section 4.3 over it. */
export interface Hash {
  readonly implementation: Implementation
  /** 32 bytes: SHA-256 over the parts, one after the other. */
  digest(...parts: readonly Uint8Array[]): Uint8Array
  /** The first two outputs of HKDF, 32 bytes each. */
  hkdf2(chainingKey: Uint8Array, input: Uint8Array): readonly [Uint8Array, Uint8Array]
}

/** A cipher under one key, made once and used for many messages. */
export interface AeadKey {
  /** Ciphertext parts in order, the 16-byte tag last. `nonce` is 12 bytes and is read before the call returns. */
  seal(nonce: Uint8Array, ad: Uint8Array, plaintext: Iterable<Uint8Array>): Uint8Array[]
  /** Plaintext parts in order, or undefined when the tag is wrong. Nothing of a forged text is given out. */
  open(
    nonce: Uint8Array,
    ad: Uint8Array,
    ciphertext: Iterable<Uint8Array>,
    tag: Uint8Array,
  ): Uint8Array[] | undefined
  /** The 16-byte tag of parts that stay as they are: associated data without a plaintext (for AES-GCM, GMAC). */
  authenticate(nonce: Uint8Array, parts: readonly Uint8Array[]): Uint8Array
  /** Whether that is the tag of the parts. */
  verify(nonce: Uint8Array, parts: readonly Uint8Array[], tag: Uint8Array): boolean
  wipe(): void
}

export interface Aead {
  readonly implementation: Implementation
  readonly kind: AeadKind
  /** Takes a copy of the 32 bytes. */
  key(bytes: Uint8Array): AeadKey
}

export type AeadKind = 'chachapoly' | 'aesgcm'

export const DH_BYTES = 32
export const KEM_PUBLIC_KEY_BYTES = 1184
export const KEM_CIPHERTEXT_BYTES = 1088
export const HASH_BYTES = 32
export const KEY_BYTES = 32
export const TAG_BYTES = 16

/** One implementation of everything that a suite needs. */
export interface Primitives {
  readonly dh: DiffieHellman
  readonly kem: Kem
  readonly hash: Hash
  readonly aead: Aead
}
