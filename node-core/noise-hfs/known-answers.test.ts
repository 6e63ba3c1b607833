import { describe, expect, it } from 'vitest'
import { answersAead, answersDh, answersHash, answersKem } from './known-answers.ts'
import type { Aead, AeadKey, DiffieHellman, Hash, Kem } from './primitives.ts'
import { nativeAead, nativeDh, nativeHash, nativeKem } from './primitives-native.ts'
import { nobleAead, nobleDh, nobleHash, nobleKem } from './primitives-noble.ts'

const bent = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))

describe('the known answers', () => {
  it('are those of native and of portable code', () => {
    expect([answersDh(nativeDh), answersDh(nobleDh)]).toEqual([true, true])
    expect([answersKem(nativeKem, nativeHash), answersKem(nobleKem, nobleHash)]).toEqual([true, true])
    expect([answersHash(nativeHash), answersHash(nobleHash)]).toEqual([true, true])
    for (const kind of ['aesgcm', 'chachapoly'] as const) {
      expect([answersAead(nativeAead(kind)), answersAead(nobleAead(kind))]).toEqual([true, true])
    }
  })

  it('find a key agreement that agrees on something else', () => {
    const fromPrivate: DiffieHellman['fromPrivate'] = (bytes) => {
      const pair = nativeDh.fromPrivate(bytes)
      return { ...pair, agree: (remote) => bent(pair.agree(remote)) }
    }
    expect(answersDh({ ...nativeDh, fromPrivate })).toBe(false)
    const other: DiffieHellman['fromPrivate'] = () => nativeDh.generate()
    expect(answersDh({ ...nativeDh, fromPrivate: other })).toBe(false)
    const generate: DiffieHellman['generate'] = () => {
      const pair = nativeDh.generate()
      return { ...pair, publicKey: nativeDh.generate().publicKey }
    }
    expect(answersDh({ ...nativeDh, generate })).toBe(false)
  })

  it('find an encapsulation that is another one', () => {
    const seedless: Kem = { ...nativeKem, fromSeed: () => nativeKem.generate() }
    expect(answersKem(seedless, nativeHash)).toBe(false)
    const fromSeed: Kem['fromSeed'] = (seed) => {
      const pair = nativeKem.fromSeed(seed)
      return { ...pair, decapsulate: (ciphertext) => bent(pair.decapsulate(ciphertext)) }
    }
    expect(answersKem({ ...nativeKem, fromSeed }, nativeHash)).toBe(false)
    const encapsulate: Kem['encapsulate'] = () => nativeKem.encapsulate(nativeKem.generate().publicKey)
    expect(answersKem({ ...nativeKem, encapsulate }, nativeHash)).toBe(false)
  })

  it('find a hash that is another one', () => {
    const digest: Hash['digest'] = (...parts) => bent(nativeHash.digest(...parts))
    expect(answersHash({ ...nativeHash, digest })).toBe(false)
    const hkdf2: Hash['hkdf2'] = (...parts) => {
      const [one, two] = nativeHash.hkdf2(...parts)
      return [one, bent(two)]
    }
    expect(answersHash({ ...nativeHash, hkdf2 })).toBe(false)
  })

  it('find a cipher that seals otherwise, opens otherwise, or opens what is forged', () => {
    const withKey = (change: (key: AeadKey) => Partial<AeadKey>): Aead => {
      const aead = nativeAead('aesgcm')
      const key: Aead['key'] = (bytes) => {
        const real = aead.key(bytes)
        return { ...real, ...change(real) }
      }
      return { ...aead, key }
    }
    const sealed = withKey(({ seal }) => ({ seal: (...parts) => seal(...parts).map(bent) }))
    const opened = withKey(({ open }) => ({ open: (...parts) => open(...parts)?.map(bent) }))
    const forged = withKey(() => ({ open: () => [new Uint8Array(32).fill(7)] }))
    expect([sealed, opened, forged].map(answersAead)).toEqual([false, false, false])
    expect(answersAead({ ...nativeAead('chachapoly'), kind: 'aesgcm' })).toBe(false)
  })
})
