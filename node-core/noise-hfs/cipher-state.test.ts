import { gcm } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../platform/error.ts'
import { CipherState, MAX_NONCE, splitTag } from './cipher-state.ts'
import { exportPublic, exportThroughDer, importPublic, importThroughDer } from './native-keys.ts'
import type { Aead, AeadKind } from './primitives.ts'
import { nativeAead, nativeDh, nativeKem } from './primitives-native.ts'
import { nobleAead } from './primitives-noble.ts'

const KEY = new Uint8Array(32).map((_, i) => i)
const AD = new TextEncoder().encode('associated')
const TEXT = new TextEncoder().encode('a text of some length')
const CIPHERS = { aesgcm: gcm, chachapoly: chacha20poly1305 }
const AEADS: readonly Aead[] = (['aesgcm', 'chachapoly'] as const).flatMap((kind) => [
  nativeAead(kind),
  nobleAead(kind),
])

const state = (aead: Aead): CipherState => new CipherState(aead, Uint8Array.from(KEY))
const sealAll = (cipher: CipherState): Uint8Array => Buffer.concat(cipher.seal(AD, [TEXT]))
const openAll = (cipher: CipherState, sealed: Uint8Array): Uint8Array => {
  const [text, tag] = splitTag(sealed)
  return Buffer.concat(cipher.open('frame', AD, [text], tag))
}

/** The nonce as Noise section 12 writes it, made another way than the state makes it. */
function nonceOf(kind: AeadKind, n: bigint): Uint8Array {
  const nonce = Buffer.alloc(12)
  if (kind === 'aesgcm') nonce.writeBigUInt64BE(n, 4)
  else nonce.writeBigUInt64LE(n, 4)
  return nonce
}

describe.each(AEADS.map((aead) => [`${aead.kind} ${aead.implementation}`, aead] as const))(
  '%s',
  (_name, aead) => {
    it('seals what the reference opens, at small and at large counters', () => {
      for (const n of [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 7, MAX_NONCE - 1]) {
        const cipher = state(aead)
        cipher.setNonce(n)
        const opened = CIPHERS[aead.kind](KEY, nonceOf(aead.kind, BigInt(n)), AD).decrypt(sealAll(cipher))
        expect(Buffer.from(opened)).toEqual(Buffer.from(TEXT))
      }
    })

    it('opens what any implementation sealed', () => {
      for (const other of AEADS.filter(({ kind }) => kind === aead.kind)) {
        expect(openAll(state(aead), sealAll(state(other)))).toEqual(Buffer.from(TEXT))
      }
    })

    it('takes plaintext and ciphertext in parts', () => {
      const cipher = state(aead)
      const whole = Buffer.concat(
        cipher.seal(AD, [TEXT.subarray(0, 3), TEXT.subarray(3, 4), TEXT.subarray(4)]),
      )
      expect(whole).toEqual(Buffer.from(sealAll(state(aead))))
      const [text, tag] = splitTag(whole)
      const opened = state(aead).open('frame', AD, [text.subarray(0, 7), text.subarray(7)], tag)
      expect(Buffer.concat(opened)).toEqual(Buffer.from(TEXT))
    })

    it('gives nothing out for a flipped bit at any offset, and stays where it was', () => {
      const sealed = sealAll(state(aead))
      const receiver = state(aead)
      for (let at = 0; at < sealed.length; at += 1) {
        const forged = Uint8Array.from(sealed)
        forged[at] = (forged[at] ?? 0) ^ 1
        expect(() => openAll(receiver, forged)).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTIC' }))
      }
      expect(receiver.nonce).toBe(0)
      expect(openAll(receiver, sealed)).toEqual(Buffer.from(TEXT))
    })

    it('rekeys as Noise section 4.2 says, and goes on counting', () => {
      const sender = state(aead)
      const receiver = state(aead)
      openAll(receiver, sealAll(sender))
      sender.rekey()
      receiver.rekey()
      const expected = CIPHERS[aead.kind](KEY, nonceOf(aead.kind, 2n ** 64n - 1n)).encrypt(new Uint8Array(32))
      expect(Buffer.from(sender.exportKey())).toEqual(Buffer.from(expected.subarray(0, 32)))
      expect(sender.nonce).toBe(1)
      expect(openAll(receiver, sealAll(sender))).toEqual(Buffer.from(TEXT))
    })

    it('ends in a typed error when its nonces are used up, for sending and for receiving', () => {
      const cipher = state(aead)
      cipher.setNonce(MAX_NONCE)
      const exhausted = expect.objectContaining({ code: 'NONCE_EXHAUSTED' })
      expect(() => sealAll(cipher)).toThrow(exhausted)
      expect(() => openAll(cipher, new Uint8Array(32))).toThrow(exhausted)
    })

    it('wipes its key and is of no use afterwards', () => {
      const key = Uint8Array.from(KEY)
      const cipher = new CipherState(aead, key)
      cipher.wipe()
      expect(key).toEqual(new Uint8Array(32))
      expect(() => sealAll(cipher)).toThrow(expect.objectContaining({ code: 'MISUSED' }))
    })
  },
)

describe('native keys', () => {
  it('exports the same bytes with and without the raw formats of newer Node versions', () => {
    const raw = new Uint8Array(32).fill(9)
    const key = importPublic('x25519', raw)
    expect(Buffer.from(exportPublic('x25519', key))).toEqual(Buffer.from(raw))
    expect(Buffer.from(exportThroughDer('x25519', key))).toEqual(Buffer.from(raw))
    expect(importThroughDer('x25519', raw).equals(key)).toBe(true)
    const kem = nativeKem.generate().publicKey
    expect(importThroughDer('ml-kem-768', kem).equals(importPublic('ml-kem-768', kem))).toBe(true)
  })

  it('says MISUSED for keys of another implementation', () => {
    const foreign = { bytes: new Uint8Array(32).fill(9) }
    const pair = nativeDh.generate()
    try {
      pair.agree(foreign)
      expect.unreachable()
    } catch (error) {
      expect(hasCode(error, 'MISUSED')).toBe(true)
    }
  })
})
