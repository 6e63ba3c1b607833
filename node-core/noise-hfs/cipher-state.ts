import { wipe } from '../platform/secret.ts'
import { handshakeError, type MessageName } from './faults.ts'
import { type Aead, type AeadKey, type AeadKind, KEY_BYTES, TAG_BYTES } from './primitives.ts'

/** Noise section 5.1 reserves 2^64 - 1; counting stops at what a JavaScript number holds exactly. */
export const MAX_NONCE = Number.MAX_SAFE_INTEGER

const NONCE_BYTES = 12
const TWO_32 = 2 ** 32
const EMPTY = new Uint8Array(0)

/** Writes the 64-bit counter where the AEAD wants it (Noise section 12): 4 zero bytes, then the counter. */
function writeNonce(kind: AeadKind, view: DataView, n: number): void {
  const low = n >>> 0
  const high = Math.floor(n / TWO_32)
  if (kind === 'aesgcm') {
    view.setUint32(4, high, false)
    view.setUint32(8, low, false)
  } else {
    view.setUint32(4, low, true)
    view.setUint32(8, high, true)
  }
}

/** Noise section 5.1, for a state that has a key. One direction of a connection, or one step of the handshake. */
export class CipherState {
  readonly #aead: Aead
  readonly #nonce = new Uint8Array(NONCE_BYTES)
  readonly #view = new DataView(this.#nonce.buffer)
  #bytes: Uint8Array
  #key: AeadKey
  #bareBytes: Uint8Array | undefined
  #bareKey: AeadKey | undefined
  #n = 0

  /** Owns `bytes` from here on and wipes them. */
  constructor(aead: Aead, bytes: Uint8Array) {
    this.#aead = aead
    this.#bytes = bytes
    this.#key = aead.key(bytes)
  }

  /** How many messages this state has sealed or opened. */
  get nonce(): number {
    return this.#n
  }

  /** Noise section 5.1 SetNonce. */
  setNonce(n: number): void {
    this.#n = n
  }

  /** A copy of the key. For published vectors alone; the caller wipes it. */
  exportKey(): Uint8Array {
    return Uint8Array.from(this.#bytes)
  }

  /**
   * Ciphertext parts, the tag last.
   *
   * @throws HandshakeError NONCE_EXHAUSTED
   */
  seal(ad: Uint8Array, plaintext: Iterable<Uint8Array>): Uint8Array[] {
    this.#prepareNonce()
    const parts = this.#key.seal(this.#nonce, ad, plaintext)
    this.#n += 1
    return parts
  }

  /**
   * Plaintext parts. A forged message leaves the state as it was (Noise section 5.1).
   *
   * @throws HandshakeError NONCE_EXHAUSTED, NOT_AUTHENTIC with `message` in it
   */
  open(
    message: MessageName,
    ad: Uint8Array,
    ciphertext: Iterable<Uint8Array>,
    tag: Uint8Array,
  ): Uint8Array[] {
    this.#prepareNonce()
    const parts = this.#key.open(this.#nonce, ad, ciphertext, tag)
    if (parts === undefined) throw handshakeError({ code: 'NOT_AUTHENTIC', message })
    this.#n += 1
    return parts
  }

  /**
   * Lets messages be authenticated without encryption, under a second key. They count with the others: one counter for
   * both kinds, so that neither can be dropped, repeated or moved past the other. Owns `bytes` from here on.
   */
  allowBare(bytes: Uint8Array): void {
    this.#bareBytes = bytes
    this.#bareKey = this.#aead.key(bytes)
  }

  get allowsBare(): boolean {
    return this.#bareKey !== undefined
  }

  /**
   * The tag of a message that is not encrypted.
   *
   * @throws HandshakeError NONCE_EXHAUSTED; MISUSED when bare messages are not allowed
   */
  authenticate(parts: readonly Uint8Array[]): Uint8Array {
    const key = this.#bare()
    this.#prepareNonce()
    const tag = key.authenticate(this.#nonce, parts)
    this.#n += 1
    return tag
  }

  /**
   * Checks the tag of a message that is not encrypted. A forged one leaves the state as it was.
   *
   * @throws HandshakeError NONCE_EXHAUSTED, NOT_AUTHENTIC; MISUSED when bare messages are not allowed
   */
  verify(message: MessageName, parts: readonly Uint8Array[], tag: Uint8Array): void {
    const key = this.#bare()
    this.#prepareNonce()
    if (!key.verify(this.#nonce, parts, tag)) throw handshakeError({ code: 'NOT_AUTHENTIC', message })
    this.#n += 1
  }

  #bare(): AeadKey {
    if (this.#bareKey === undefined) throw handshakeError({ code: 'MISUSED' })
    return this.#bareKey
  }

  /** Noise section 4.2 REKEY: the first 32 bytes of ENCRYPT(k, 2^64 - 1, "", zeros). The counter goes on. */
  rekey(): void {
    this.#nonce.fill(0xff, 4)
    const next = this.#nextKey(this.#key)
    const nextBare = this.#bareKey && this.#nextKey(this.#bareKey)
    this.wipe()
    this.#bytes = next
    this.#key = this.#aead.key(next)
    if (nextBare !== undefined) this.allowBare(nextBare)
  }

  #nextKey(key: AeadKey): Uint8Array {
    const [next] = key.seal(this.#nonce, EMPTY, [new Uint8Array(KEY_BYTES)])
    if (next === undefined || next.length !== KEY_BYTES) throw handshakeError({ code: 'MISUSED' })
    return next
  }

  wipe(): void {
    wipe(this.#bytes)
    this.#key.wipe()
    wipe(this.#bareBytes)
    this.#bareKey?.wipe()
  }

  #prepareNonce(): void {
    if (this.#n >= MAX_NONCE) throw handshakeError({ code: 'NONCE_EXHAUSTED' })
    writeNonce(this.#aead.kind, this.#view, this.#n)
  }
}

/** Splits a sealed message of at least 16 bytes into text and tag, without copying. */
export function splitTag(sealed: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const at = sealed.length - TAG_BYTES
  return [sealed.subarray(0, at), sealed.subarray(at)]
}
