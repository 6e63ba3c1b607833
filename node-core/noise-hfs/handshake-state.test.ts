import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { replayVector, vectorFileSchema } from '../../tests/bench/vector-replay.ts'
import type { HandshakeFault } from './faults.ts'
import { isHandshakeError } from './faults.ts'
import { HandshakeState, MESSAGE_A_BYTES, MESSAGE_B_BYTES, MESSAGE_C_BYTES } from './handshake-state.ts'
import type { AeadKind, Implementation, Primitives } from './primitives.ts'
import { nativeAead, nativeDh, nativeHash, nativeKem } from './primitives-native.ts'
import { createNobleKem, nobleAead, nobleDh, nobleHash, nobleKem } from './primitives-noble.ts'
import { selectPrimitives } from './probe.ts'
import { createSuite, type Suite } from './suite.ts'
import { SymmetricState } from './symmetric-state.ts'

const PAYLOAD = new TextEncoder().encode('who I am')
const KINDS: readonly AeadKind[] = ['chachapoly', 'aesgcm']

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const hex = (raw: Uint8Array): string => Buffer.from(raw).toString('hex')
const sealed = (suite: Suite, text: string): Uint8Array =>
  new TextEncoder().encode(`${suite.noiseName} ${text}`)

function codeOf(work: () => unknown): HandshakeFault['code'] | 'none' | 'untyped' {
  try {
    work()
    return 'none'
  } catch (error) {
    return isHandshakeError(error) ? error.code : 'untyped'
  }
}

/** Both roles with keys that are the same every time, so that one transcript can be damaged again and again. */
function fixedPair(kind: AeadKind) {
  const primitives = selectPrimitives(kind)
  const seededKem = { ...primitives.kem, encapsulate: createNobleKem(bytes(32, 9)).encapsulate }
  const suite = createSuite({ ...primitives, kem: seededKem })
  const { dh, kem } = suite.primitives
  const staticI = dh.fromPrivate(bytes(32, 1))
  const staticR = dh.fromPrivate(bytes(32, 2))
  return {
    suite,
    initiator: () =>
      new HandshakeState(suite, {
        role: 'initiator',
        staticKey: staticI,
        ephemeral: { dh: dh.fromPrivate(bytes(32, 3)), kem: kem.fromSeed(bytes(64, 4)) },
      }),
    responder: () =>
      new HandshakeState(suite, {
        role: 'responder',
        staticKey: staticR,
        ephemeral: { dh: dh.fromPrivate(bytes(32, 5)) },
      }),
  }
}

/** The three messages of a fixed pair. */
function transcript(kind: AeadKind) {
  const pair = fixedPair(kind)
  const initiator = pair.initiator()
  const responder = pair.responder()
  const a = initiator.writeA()
  responder.readA(a)
  const b = responder.writeB(PAYLOAD)
  initiator.readB(b)
  initiator.beginC()
  const c = initiator.finishC(PAYLOAD)
  return { ...pair, a, b, c }
}

function flipped(message: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(message)
  copy[at] = (copy[at] ?? 0) ^ 0x40
  return copy
}

function run(initiatorSuite: Suite, responderSuite: Suite): void {
  const [i, r] = [initiatorSuite, responderSuite].map((suite) => suite.primitives.dh.generate())
  if (i === undefined || r === undefined) throw new Error('two suites give two keys')
  const initiator = new HandshakeState(initiatorSuite, { role: 'initiator', staticKey: i })
  const responder = new HandshakeState(responderSuite, { role: 'responder', staticKey: r })
  responder.readA(initiator.writeA())
  expect(initiator.readB(responder.writeB(PAYLOAD))).toEqual(Buffer.from(PAYLOAD))
  initiator.beginC()
  const signed = initiator.initiatorHash
  expect(responder.readC(initiator.finishC(PAYLOAD))).toEqual(Buffer.from(PAYLOAD))
  expect(hex(responder.initiatorHash)).toBe(hex(signed))
  expect(hex(responder.hash)).not.toBe(hex(signed))
  const keysI = initiator.finish()
  const keysR = responder.finish()
  expect(hex(keysI.handshakeHash)).toBe(hex(keysR.handshakeHash))
  expect(hex(keysI.send.exportKey())).toBe(hex(keysR.receive.exportKey()))
  expect(hex(keysI.receive.exportKey())).toBe(hex(keysR.send.exportKey()))
  expect(hex(keysI.send.exportKey())).not.toBe(hex(keysI.receive.exportKey()))
}

describe('the handshake state', () => {
  it('agrees with the published vector in both roles, with native and with portable code', () => {
    const path = new URL('../../tests/vectors/noise-xxhfs-mlkem768.json', import.meta.url)
    const file = vectorFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    for (const vector of file.vectors) {
      for (const implementation of ['native', 'noble'] as const) {
        const primitives = selectPrimitives('chachapoly', implementation)
        const options = { initiator: primitives, responder: primitives }
        expect(replayVector(file.protocol, vector, options)).toEqual([])
      }
    }
  })

  it('notices a vector that differs in any of what is compared', () => {
    const path = new URL('../../tests/vectors/noise-xxhfs-mlkem768.json', import.meta.url)
    const file = vectorFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    const [vector] = file.vectors
    if (vector === undefined) throw new Error('the file holds a vector')
    for (const field of ['msg_a', 'msg_b', 'msg_c', 'handshake_hash', 'cs1_k', 'cs2_k'] as const) {
      const wrong = { ...vector, [field]: flipped(vector[field], 20) }
      expect(replayVector(file.protocol, wrong).length, field).toBeGreaterThan(0)
    }
  })

  it('has the message sizes of the draft profile', () => {
    const { a, b, c } = transcript('chachapoly')
    expect(a.length).toBe(1216)
    expect([MESSAGE_A_BYTES, MESSAGE_B_BYTES, MESSAGE_C_BYTES]).toEqual([1216, 1200, 64])
    expect([b.length, c.length]).toEqual([1200 + PAYLOAD.length, 64 + PAYLOAD.length])
  })

  it('interoperates in every mix of native and portable parts at both ends', () => {
    const parts = [
      { dh: nativeDh, kem: nativeKem, hash: nativeHash, aead: nativeAead },
      { dh: nobleDh, kem: nobleKem, hash: nobleHash, aead: nobleAead },
    ] as const
    const mixes = (kind: AeadKind): Suite[] =>
      Array.from({ length: 16 }, (_, mask) => {
        const pick = (bit: number) => parts[((mask >> bit) & 1) as 0 | 1]
        const primitives: Primitives = {
          dh: pick(0).dh,
          kem: pick(1).kem,
          hash: pick(2).hash,
          aead: pick(3).aead(kind),
        }
        return createSuite(primitives)
      })
    for (const kind of KINDS) for (const i of mixes(kind)) for (const r of mixes(kind)) run(i, r)
  }, 60_000)

  it('ends in a typed error for a flipped bit at every offset of A', () => {
    for (const kind of KINDS) {
      const { a, initiator, responder } = transcript(kind)
      for (let at = 0; at < a.length; at += 1) {
        const code = codeOf(() => {
          const r = responder()
          r.readA(flipped(a, at))
          const b = r.writeB(PAYLOAD)
          const i = initiator()
          i.writeA()
          i.readB(b)
        })
        expect(['NOT_AUTHENTIC', 'BAD_KEM_INPUT'], `A at ${at}`).toContain(code)
      }
    }
  }, 60_000)

  it('ends in a typed error for a flipped bit at every offset of B', () => {
    for (const kind of KINDS) {
      const { b, initiator } = transcript(kind)
      for (let at = 0; at < b.length; at += 1) {
        const i = initiator()
        i.writeA()
        expect(
          codeOf(() => i.readB(flipped(b, at))),
          `B at ${at}`,
        ).toBe('NOT_AUTHENTIC')
        expect(codeOf(() => i.beginC())).toBe('MISUSED')
      }
    }
  }, 60_000)

  it('ends in a typed error for a flipped bit at every offset of C', () => {
    for (const kind of KINDS) {
      const { a, c, responder } = transcript(kind)
      for (let at = 0; at < c.length; at += 1) {
        const r = responder()
        r.readA(a)
        r.writeB(PAYLOAD)
        expect(
          codeOf(() => r.readC(flipped(c, at))),
          `C at ${at}`,
        ).toBe('NOT_AUTHENTIC')
      }
    }
  }, 60_000)

  it('ends in a typed error for each message cut short at every length', () => {
    const { a, b, c, initiator, responder } = transcript('aesgcm')
    const typed = ['MESSAGE_MALFORMED', 'NOT_AUTHENTIC']
    for (let length = 0; length < a.length; length += 1) {
      expect(typed).toContain(codeOf(() => responder().readA(a.subarray(0, length))))
    }
    for (let length = 0; length < b.length; length += 1) {
      const i = initiator()
      i.writeA()
      expect(typed).toContain(codeOf(() => i.readB(b.subarray(0, length))))
    }
    for (let length = 0; length < c.length; length += 1) {
      const r = responder()
      r.readA(a)
      r.writeB(PAYLOAD)
      expect(typed).toContain(codeOf(() => r.readC(c.subarray(0, length))))
    }
  }, 60_000)

  it('refuses points of small order, which give an all-zero secret, with both implementations', () => {
    // The orders 1, 2, 4 and 8 of the curve, as in RFC 7748 section 6.1 and "May the Fourth Be With You", section 3.2.
    const weak = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map((hex) => Buffer.from(hex, 'hex'))
    for (const implementation of ['native', 'noble'] as const) {
      const suite = createSuite(selectPrimitives('chachapoly', implementation))
      const { dh } = suite.primitives
      for (const point of weak) {
        const initiator = new HandshakeState(suite, { role: 'initiator', staticKey: dh.generate() })
        const responder = new HandshakeState(suite, { role: 'responder', staticKey: dh.generate() })
        const a = initiator.writeA()
        responder.readA(Buffer.concat([point, a.subarray(32)]))
        expect(codeOf(() => responder.writeB(PAYLOAD))).toBe('WEAK_PUBLIC_KEY')
        const b = Buffer.concat([point, new Uint8Array(1168 + PAYLOAD.length)])
        expect(codeOf(() => initiator.readB(b))).toBe('WEAK_PUBLIC_KEY')
      }
    }
  })

  it('refuses an ML-KEM key that fails the modulus check, with both implementations', () => {
    for (const implementation of ['native', 'noble'] as const) {
      const suite = createSuite(selectPrimitives('chachapoly', implementation))
      const { dh } = suite.primitives
      const responder = new HandshakeState(suite, { role: 'responder', staticKey: dh.generate() })
      responder.readA(Buffer.concat([dh.generate().publicKey, new Uint8Array(1184).fill(0xff)]))
      expect(codeOf(() => responder.writeB(PAYLOAD))).toBe('BAD_KEM_INPUT')
    }
  })

  it('cannot be talked into another suite', () => {
    const suites = KINDS.map((kind) => createSuite(selectPrimitives(kind)))
    const [chacha, aes] = suites
    if (chacha === undefined || aes === undefined) throw new Error('there are two suites')
    const renamed = { ...chacha, noiseName: 'Noise_XXhfs_25519+ML-KEM-768_ChaChaPoly_SHA256' }
    for (const [mine, theirs] of [
      [chacha, aes] as const,
      [aes, chacha] as const,
      [chacha, renamed] as const,
    ]) {
      const initiator = new HandshakeState(mine, {
        role: 'initiator',
        staticKey: mine.primitives.dh.generate(),
      })
      const responder = new HandshakeState(theirs, {
        role: 'responder',
        staticKey: theirs.primitives.dh.generate(),
      })
      responder.readA(initiator.writeA())
      expect(codeOf(() => initiator.readB(responder.writeB(sealed(theirs, 'hello'))))).toBe('NOT_AUTHENTIC')
    }
  })

  it('differs with the prologue', () => {
    const suite = createSuite(selectPrimitives('aesgcm'))
    const { dh } = suite.primitives
    const initiator = new HandshakeState(suite, {
      role: 'initiator',
      staticKey: dh.generate(),
      prologue: PAYLOAD,
    })
    const responder = new HandshakeState(suite, { role: 'responder', staticKey: dh.generate() })
    responder.readA(initiator.writeA())
    expect(codeOf(() => initiator.readB(responder.writeB(PAYLOAD)))).toBe('NOT_AUTHENTIC')
  })

  it('refuses steps out of order and after it was wiped', () => {
    const { initiator, responder, a } = transcript('aesgcm')
    expect(codeOf(() => initiator().finish())).toBe('MISUSED')
    expect(codeOf(() => initiator().readA(a))).toBe('MISUSED')
    expect(codeOf(() => responder().writeB(PAYLOAD))).toBe('MISUSED')
    const wiped = initiator()
    wiped.wipe()
    expect(codeOf(() => wiped.writeA())).toBe('MISUSED')
  })

  it('wipes every secret that it mixes, and its chaining key', () => {
    for (const implementation of ['native', 'noble'] as const) {
      const suite = createSuite(selectPrimitives('aesgcm', implementation))
      const symmetric = new SymmetricState(suite)
      const secret = bytes(32, 7)
      symmetric.mixKey(secret)
      expect(hex(secret)).toBe('00'.repeat(32))
      const mine: Uint8Array[] = []
      const { hash } = suite.primitives
      const watched = {
        ...hash,
        hkdf2: (key: Uint8Array, input: Uint8Array) => {
          mine.push(key)
          return hash.hkdf2(key, input)
        },
      }
      const watching = new SymmetricState({ ...suite, primitives: { ...suite.primitives, hash: watched } })
      watching.mixKey(bytes(32, 7))
      watching.split()
      expect(mine.map(hex)).toEqual(['00'.repeat(32), '00'.repeat(32)])
    }
  })

  it('wipes ephemeral keys when it ends, also when it ends in an error', () => {
    const wipes: string[] = []
    const primitives = selectPrimitives('aesgcm', 'noble')
    const watched = (name: string) => {
      const pair = primitives.dh.generate()
      return { ...pair, wipe: () => wipes.push(name) && pair.wipe() }
    }
    const kemPair = primitives.kem.generate()
    const kem = { ...kemPair, wipe: () => wipes.push('kem') && kemPair.wipe() }
    const state = new HandshakeState(createSuite(primitives), {
      role: 'initiator',
      staticKey: primitives.dh.generate(),
      ephemeral: { dh: watched('dh'), kem },
    })
    state.writeA()
    expect(codeOf(() => state.readB(new Uint8Array(10)))).toBe('MESSAGE_MALFORMED')
    expect(wipes).toEqual(['dh', 'kem'])
    expect(codeOf(() => kemPair.decapsulate(new Uint8Array(1088)))).toBe('MISUSED')
  })
})

describe('the primitives', () => {
  it.each<Implementation>(['native', 'noble'])(
    'gives the same X25519 and ML-KEM keys for a seed (%s)',
    (name) => {
      const { dh, kem } = selectPrimitives('aesgcm', name)
      expect(Buffer.from(dh.fromPrivate(bytes(32, 1)).publicKey)).toEqual(
        Buffer.from(nobleDh.fromPrivate(bytes(32, 1)).publicKey),
      )
      expect(Buffer.from(kem.fromSeed(bytes(64, 2)).publicKey)).toEqual(
        Buffer.from(nobleKem.fromSeed(bytes(64, 2)).publicKey),
      )
    },
  )

  it('finds native code for everything on the Node that comes along', () => {
    const primitives = KINDS.map((kind) => selectPrimitives(kind))
    for (const { dh, kem, hash, aead } of primitives) {
      expect([dh, kem, hash, aead].map((part) => part.implementation)).toEqual(Array(4).fill('native'))
    }
  })

  it('falls back part by part where a runtime lacks one', () => {
    const electron = {
      dh: 'native',
      kem: 'noble',
      hash: 'native',
      aead: { aesgcm: 'native', chachapoly: 'noble' },
    } as const
    const { dh, kem, aead } = selectPrimitives('chachapoly', 'native', electron)
    expect([dh, kem, aead].map((part) => part.implementation)).toEqual(['native', 'noble', 'noble'])
  })
})
