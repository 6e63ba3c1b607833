import type { CipherState } from './cipher-state.ts'
import { handshakeError, type MessageName } from './faults.ts'
import {
  DH_BYTES,
  type DhKeyPair,
  type DhPublicKey,
  KEM_CIPHERTEXT_BYTES,
  KEM_PUBLIC_KEY_BYTES,
  type KemKeyPair,
  TAG_BYTES,
} from './primitives.ts'
import type { Suite } from './suite.ts'
import { SymmetricState } from './symmetric-state.ts'

export type Role = 'initiator' | 'responder'

/** Bytes of each message beside its payload; the payloads of B and C bring a tag, which is counted here. */
export const MESSAGE_A_BYTES = DH_BYTES + KEM_PUBLIC_KEY_BYTES
export const MESSAGE_B_BYTES = DH_BYTES + KEM_CIPHERTEXT_BYTES + TAG_BYTES + DH_BYTES + TAG_BYTES + TAG_BYTES
export const MESSAGE_C_BYTES = DH_BYTES + TAG_BYTES + TAG_BYTES

const SEALED_STATIC_BYTES = DH_BYTES + TAG_BYTES
const SEALED_KEM_BYTES = KEM_CIPHERTEXT_BYTES + TAG_BYTES
const EMPTY = new Uint8Array(0)

export interface HandshakeStateOptions {
  readonly role: Role
  readonly staticKey: DhKeyPair
  readonly prologue?: Uint8Array
  /** For published vectors alone: otherwise both are generated when they are needed. */
  readonly ephemeral?: { readonly dh?: DhKeyPair; readonly kem?: KemKeyPair }
}

/** What a finished handshake leaves. */
export interface TransportKeys {
  readonly send: CipherState
  readonly receive: CipherState
  /** Noise h over the whole transcript. */
  readonly handshakeHash: Uint8Array
}

type Step = 'A' | 'B' | 'C' | 'C-payload' | 'done' | 'wiped'

/**
 * The XXhfs handshake, one role of it:
 *
 *     -> e, e1
 *     <- e, ee, ekem1, s, es
 *     -> s, se
 *
 * `ekem1` is EncryptAndHash(ciphertext) and then MixKey(shared secret), in the way of the Noise HFS extension and of
 * libp2p's draft profile. Every method throws HandshakeError; after any error the state is wiped and stays unusable.
 * Byte arrays that come in are only read; secrets are wiped by `wipe` or by `finish`.
 */
export class HandshakeState {
  readonly #suite: Suite
  readonly #role: Role
  readonly #staticKey: DhKeyPair
  readonly #symmetric: SymmetricState
  #step: Step = 'A'
  #dh: DhKeyPair | undefined
  #kem: KemKeyPair | undefined
  #remoteDh: DhPublicKey | undefined
  #remoteKem: Uint8Array = EMPTY
  #remoteStatic: Uint8Array = EMPTY
  #initiatorHash: Uint8Array = EMPTY
  #sealedStatic: Uint8Array = EMPTY

  constructor(suite: Suite, options: HandshakeStateOptions) {
    this.#suite = suite
    this.#role = options.role
    this.#staticKey = options.staticKey
    this.#dh = options.ephemeral?.dh
    this.#kem = options.ephemeral?.kem
    this.#symmetric = new SymmetricState(suite)
    this.#symmetric.mixHash(options.prologue ?? EMPTY)
  }

  /** The other end's static X25519 key: known to the initiator after B and to the responder after C. */
  get remoteStatic(): Uint8Array {
    return this.#remoteStatic
  }

  /** Noise h after `s, se` and before C's payload, on both ends alike. */
  get initiatorHash(): Uint8Array {
    return this.#initiatorHash
  }

  /** Noise h so far; after C it is the final one. */
  get hash(): Uint8Array {
    return this.#symmetric.hash
  }

  writeA(payload: Uint8Array = EMPTY): Uint8Array {
    return this.#guard('initiator', 'A', 'B', () => {
      const dh = this.#freshDh()
      this.#kem ??= this.#suite.primitives.kem.generate()
      this.#symmetric.mixHash(dh.publicKey)
      const e1 = this.#symmetric.encryptAndHash(this.#kem.publicKey)
      return Buffer.concat([dh.publicKey, e1, this.#symmetric.encryptAndHash(payload)])
    })
  }

  /** A's payload. */
  readA(message: Uint8Array): Uint8Array {
    return this.#guard('responder', 'A', 'B', () => {
      const parts = take('A', message, DH_BYTES, KEM_PUBLIC_KEY_BYTES)
      this.#remoteDh = this.#suite.primitives.dh.readPublic(parts.first)
      this.#symmetric.mixHash(parts.first)
      this.#remoteKem = this.#symmetric.decryptAndHash('A', parts.second)
      return this.#symmetric.decryptAndHash('A', parts.rest)
    })
  }

  writeB(payload: Uint8Array): Uint8Array {
    return this.#guard('responder', 'B', 'C', () => {
      const symmetric = this.#symmetric
      const dh = this.#freshDh()
      symmetric.mixHash(dh.publicKey)
      symmetric.mixKey(dh.agree(this.#remoteEphemeral()))
      const { ciphertext, sharedSecret } = this.#suite.primitives.kem.encapsulate(this.#remoteKem)
      const ekem1 = symmetric.encryptAndHash(ciphertext)
      symmetric.mixKey(sharedSecret)
      const s = symmetric.encryptAndHash(this.#staticKey.publicKey)
      symmetric.mixKey(this.#staticKey.agree(this.#remoteEphemeral()))
      return Buffer.concat([dh.publicKey, ekem1, s, symmetric.encryptAndHash(payload)])
    })
  }

  /** B's payload. */
  readB(message: Uint8Array): Uint8Array {
    return this.#guard('initiator', 'B', 'C', () => {
      const symmetric = this.#symmetric
      const { first, second: ekem1, rest } = take('B', message, DH_BYTES, SEALED_KEM_BYTES)
      const { first: s, rest: payload } = take('B', rest, SEALED_STATIC_BYTES, 0)
      const { dh, kem } = this.#ephemerals()
      this.#remoteDh = this.#suite.primitives.dh.readPublic(first)
      symmetric.mixHash(first)
      symmetric.mixKey(dh.agree(this.#remoteDh))
      symmetric.mixKey(kem.decapsulate(symmetric.decryptAndHash('B', ekem1)))
      this.#remoteStatic = symmetric.decryptAndHash('B', s)
      symmetric.mixKey(dh.agree(this.#suite.primitives.dh.readPublic(this.#remoteStatic)))
      return symmetric.decryptAndHash('B', payload)
    })
  }

  /** The first half of C, `s, se`: afterwards `initiatorHash` is there to be signed. */
  beginC(): void {
    this.#guard('initiator', 'C', 'C-payload', () => {
      this.#sealedStatic = this.#symmetric.encryptAndHash(this.#staticKey.publicKey)
      this.#symmetric.mixKey(this.#staticKey.agree(this.#remoteEphemeral()))
      this.#initiatorHash = this.#symmetric.hash
    })
  }

  /** The whole of C, with what was made of `initiatorHash` in its payload. */
  finishC(payload: Uint8Array): Uint8Array {
    return this.#guard('initiator', 'C-payload', 'done', () =>
      Buffer.concat([this.#sealedStatic, this.#symmetric.encryptAndHash(payload)]),
    )
  }

  /** C's payload. */
  readC(message: Uint8Array): Uint8Array {
    return this.#guard('responder', 'C', 'done', () => {
      const symmetric = this.#symmetric
      const { first: s, rest: payload } = take('C', message, SEALED_STATIC_BYTES, 0)
      this.#remoteStatic = symmetric.decryptAndHash('C', s)
      symmetric.mixKey(this.#ephemeralDh().agree(this.#suite.primitives.dh.readPublic(this.#remoteStatic)))
      this.#initiatorHash = symmetric.hash
      return symmetric.decryptAndHash('C', payload)
    })
  }

  /** A secret of its own for each label, 32 bytes, once C is complete and before `finish`. The caller wipes it. */
  exportSecret(label: string): Uint8Array {
    if (this.#step !== 'done') throw this.#fail(handshakeError({ code: 'MISUSED' }))
    return this.#symmetric.exportSecret(label)
  }

  /** The keys of the two directions. Ends this state and wipes what is left in it. */
  finish(): TransportKeys {
    if (this.#step !== 'done') throw this.#fail(handshakeError({ code: 'MISUSED' }))
    const handshakeHash = this.#symmetric.hash
    const [first, second] = this.#symmetric.split()
    this.wipe()
    return this.#role === 'initiator'
      ? { send: first, receive: second, handshakeHash }
      : { send: second, receive: first, handshakeHash }
  }

  /** Ends the state. The static key is not the state's to wipe. */
  wipe(): void {
    this.#step = 'wiped'
    this.#dh?.wipe()
    this.#kem?.wipe()
    this.#dh = undefined
    this.#kem = undefined
    this.#symmetric.wipe()
  }

  #guard<T>(role: Role, step: Step, next: Step, work: () => T): T {
    if (this.#role !== role || this.#step !== step) throw this.#fail(handshakeError({ code: 'MISUSED' }))
    try {
      const result = work()
      this.#step = next
      return result
    } catch (error) {
      throw this.#fail(error)
    }
  }

  #fail(error: unknown): unknown {
    this.wipe()
    return error
  }

  #freshDh(): DhKeyPair {
    this.#dh ??= this.#suite.primitives.dh.generate()
    return this.#dh
  }

  #ephemeralDh(): DhKeyPair {
    if (this.#dh === undefined) throw handshakeError({ code: 'MISUSED' })
    return this.#dh
  }

  #remoteEphemeral(): DhPublicKey {
    if (this.#remoteDh === undefined) throw handshakeError({ code: 'MISUSED' })
    return this.#remoteDh
  }

  #ephemerals(): { readonly dh: DhKeyPair; readonly kem: KemKeyPair } {
    if (this.#kem === undefined) throw handshakeError({ code: 'MISUSED' })
    return { dh: this.#ephemeralDh(), kem: this.#kem }
  }
}

interface Parts {
  readonly first: Uint8Array
  readonly second: Uint8Array
  readonly rest: Uint8Array
}

/** Cuts two fixed parts off the front; what is too short for them is malformed. */
function take(message: MessageName, bytes: Uint8Array, firstBytes: number, secondBytes: number): Parts {
  if (bytes.length < firstBytes + secondBytes) throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
  return {
    first: bytes.subarray(0, firstBytes),
    second: bytes.subarray(firstBytes, firstBytes + secondBytes),
    rest: bytes.subarray(firstBytes + secondBytes),
  }
}
