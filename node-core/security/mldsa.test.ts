import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bestMldsa, type Mldsa, nativeMldsa, nobleMldsa } from './mldsa.ts'

const native = nativeMldsa()
const implementations: Mldsa[] = native === undefined ? [nobleMldsa] : [native, nobleMldsa]
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const seed = Uint8Array.from({ length: 32 }, (_, index) => index)

describe('ML-DSA-65', () => {
  it('is native on the Node that comes with the install', () => {
    expect(native?.name).toBe('native')
    expect(bestMldsa()).toBe(native)
  })

  it('makes the same keys from the same seed in every implementation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (any) => {
        const keys = implementations.map((each) =>
          Buffer.from(each.keyFromSeed(any).publicKey).toString('hex'),
        )
        return new Set(keys).size === 1
      }),
      { numRuns: 20 },
    )
  })

  for (const signer of implementations) {
    for (const verifier of implementations) {
      it(`verifies in ${verifier.name} what ${signer.name} signed, with its context alone`, async () => {
        const key = signer.keyFromSeed(seed)
        const message = text('a message')
        for (const signature of [key.sign(message, text('one')), await key.signAsync(message, text('one'))]) {
          expect(verifier.verify(key.publicKey, message, text('one'), signature)).toBe(true)
          expect(verifier.verify(key.publicKey, message, text('two'), signature)).toBe(false)
          expect(verifier.verify(key.publicKey, message, text(''), signature)).toBe(false)
          expect(verifier.verify(key.publicKey, text('another'), text('one'), signature)).toBe(false)
          signature[100] = (signature[100] ?? 0) ^ 1
          expect(verifier.verify(key.publicKey, message, text('one'), signature)).toBe(false)
        }
      })
    }

    it(`takes keys and signatures of any length for bad ones in ${signer.name}, without throwing`, () => {
      const key = signer.keyFromSeed(seed)
      for (const length of [0, 1, 1951, 1953, 3308, 3310]) {
        expect(signer.verify(new Uint8Array(length), seed, seed, new Uint8Array(3309))).toBe(false)
        expect(signer.verify(key.publicKey, seed, seed, new Uint8Array(length))).toBe(false)
      }
      expect(signer.verify(new Uint8Array(1952).fill(255), seed, seed, new Uint8Array(3309).fill(255))).toBe(
        false,
      )
    })
  }
})
