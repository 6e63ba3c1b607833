import { wipe } from '../platform/secret.ts'
import { CipherState, splitTag } from './cipher-state.ts'
import { handshakeError, type MessageName } from './faults.ts'
import { HASH_BYTES, TAG_BYTES } from './primitives.ts'
import type { Suite } from './suite.ts'

const EMPTY = new Uint8Array(0)

/** Noise section 5.2: the chaining key, the transcript hash, and the cipher of the moment. */
export class SymmetricState {
  readonly #suite: Suite
  #chainingKey: Uint8Array
  #hash: Uint8Array
  #cipher: CipherState | undefined

  constructor(suite: Suite) {
    this.#suite = suite
    const name = new TextEncoder().encode(suite.noiseName)
    const first = new Uint8Array(HASH_BYTES)
    // Noise section 5.2 InitializeSymmetric: a short name is padded, a long one hashed.
    first.set(name.length <= HASH_BYTES ? name : suite.primitives.hash.digest(name))
    this.#hash = first
    this.#chainingKey = Uint8Array.from(first)
  }

  /** Noise h, 32 bytes. */
  get hash(): Uint8Array {
    return this.#hash
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#suite.primitives.hash.digest(this.#hash, data)
  }

  /** Mixes a secret into the chaining key and wipes the secret. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#suite.primitives.hash.hkdf2(this.#chainingKey, secret)
    wipe(secret, this.#chainingKey)
    this.#cipher?.wipe()
    this.#chainingKey = chainingKey
    this.#cipher = new CipherState(this.#suite.primitives.aead, key)
  }

  /** Before the first key this is the plaintext itself. */
  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed =
      this.#cipher === undefined ? plaintext : Buffer.concat(this.#cipher.seal(this.#hash, [plaintext]))
    this.mixHash(sealed)
    return sealed
  }

  /** @throws HandshakeError NOT_AUTHENTIC, MESSAGE_MALFORMED */
  decryptAndHash(message: MessageName, sealed: Uint8Array): Uint8Array {
    let plaintext = sealed
    if (this.#cipher !== undefined) {
      if (sealed.length < TAG_BYTES) throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
      const [text, tag] = splitTag(sealed)
      plaintext = Buffer.concat(this.#cipher.open(message, this.#hash, [text], tag))
    }
    this.mixHash(sealed)
    return plaintext
  }

  /**
   * 32 secret bytes for whoever builds on this handshake, apart from everything that Noise derives: its own inputs to
   * HKDF are empty or 32 bytes, this one is a label of another length and h.
   */
  exportSecret(label: string): Uint8Array {
    const input = Buffer.concat([new TextEncoder().encode(label), this.#hash])
    const [first, second] = this.#suite.primitives.hash.hkdf2(this.#chainingKey, input)
    const secret = Uint8Array.from(first)
    wipe(first, second)
    return secret
  }

  /** Noise section 5.2 Split: the first state is the initiator's sending direction. Ends this state. */
  split(): readonly [CipherState, CipherState] {
    const { hash, aead } = this.#suite.primitives
    const [first, second] = hash.hkdf2(this.#chainingKey, EMPTY)
    this.wipe()
    return [new CipherState(aead, first), new CipherState(aead, second)]
  }

  wipe(): void {
    wipe(this.#chainingKey)
    this.#cipher?.wipe()
    this.#cipher = undefined
  }
}
