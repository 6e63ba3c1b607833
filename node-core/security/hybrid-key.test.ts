import { createPublicKey, verify } from 'node:crypto'
import { inspect } from 'node:util'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../tests/helpers/security-world.ts'
import {
  createHybridKey,
  generateSeeds,
  secretSeeds,
  verifyHybrid,
  verifyMldsa,
  wipeSeeds,
} from './hybrid-key.ts'
import { nobleMldsa } from './mldsa.ts'

const message = new TextEncoder().encode('a message')
const other = new TextEncoder().encode('another message')
const CONTEXT = 'x0t/test/1'
const seeds = generateSeeds(seededRandom(1))
const key = createHybridKey(seeds)
const stranger = createHybridKey(generateSeeds(seededRandom(2)))

describe('a hybrid signature', () => {
  it('verifies for its key, context and message', () => {
    expect(verifyHybrid(key.publicKey, CONTEXT, message, key.sign(CONTEXT, message))).toBe(true)
  })

  it('is worth nothing for another key, context or message', () => {
    const signature = key.sign(CONTEXT, message)
    expect(verifyHybrid(stranger.publicKey, CONTEXT, message, signature)).toBe(false)
    expect(verifyHybrid(key.publicKey, 'x0t/test/2', message, signature)).toBe(false)
    expect(verifyHybrid(key.publicKey, CONTEXT, other, signature)).toBe(false)
  })

  it('needs both halves: one good half and one bad is a bad signature', () => {
    const good = key.sign(CONTEXT, message)
    const bad = stranger.sign(CONTEXT, message)
    expect(verifyHybrid(key.publicKey, CONTEXT, message, { ...good, mldsa: bad.mldsa })).toBe(false)
    expect(verifyHybrid(key.publicKey, CONTEXT, message, { ...good, ed25519: bad.ed25519 })).toBe(false)
    const mixed = { ed25519: key.publicKey.ed25519, mldsa: stranger.publicKey.mldsa }
    expect(verifyHybrid(mixed, CONTEXT, message, good)).toBe(false)
  })

  it('signs the context, a zero byte and the message in both halves, and gives ML-DSA the context besides', () => {
    const signature = key.sign(CONTEXT, message)
    const signed = Buffer.concat([Buffer.from(CONTEXT), Buffer.alloc(1), message])
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.publicKey.ed25519])
    const ed25519 = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    expect(verify(null, signed, ed25519, signature.ed25519)).toBe(true)
    const context = new TextEncoder().encode(CONTEXT)
    expect(ml_dsa65.verify(signature.mldsa, signed, key.publicKey.mldsa, { context })).toBe(true)
  })

  it('never throws for keys and signatures of any length', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 70 }),
      ...[32, 64, 1952, 3309].map((length) => fc.uint8Array({ minLength: length, maxLength: length })),
    )
    fc.assert(
      fc.property(bytes, bytes, bytes, bytes, (ed25519, mldsa, edSignature, latticeSignature) => {
        const signature = { ed25519: edSignature, mldsa: latticeSignature }
        return !verifyHybrid({ ed25519, mldsa }, CONTEXT, message, signature)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the ML-DSA half alone', () => {
  it('verifies across implementations', async () => {
    const slow = createHybridKey(seeds, nobleMldsa)
    expect(slow.publicKey).toEqual(key.publicKey)
    const fast = await key.signMldsa(CONTEXT, message)
    expect(await verifyMldsa(key.publicKey, CONTEXT, message, fast, nobleMldsa)).toBe(true)
    expect(await verifyMldsa(key.publicKey, CONTEXT, message, await slow.signMldsa(CONTEXT, message))).toBe(
      true,
    )
    expect(await verifyMldsa(key.publicKey, CONTEXT, other, fast)).toBe(false)
    expect(await verifyMldsa(stranger.publicKey, CONTEXT, message, fast)).toBe(false)
    expect(await verifyMldsa(key.publicKey, CONTEXT, message, new Uint8Array(3))).toBe(false)
  })
})

describe('the secret halves', () => {
  it('sign nothing once wiped', async () => {
    const mine = createHybridKey(seeds)
    mine.wipe()
    expect(() => mine.sign(CONTEXT, message)).toThrow(expect.objectContaining({ code: 'KEY_WIPED' }))
    await expect(mine.signMldsa(CONTEXT, message)).rejects.toMatchObject({ code: 'KEY_WIPED' })
  })

  it('do not depend on the seeds after the key is made', () => {
    const mine = secretSeeds(seeds.ed25519, seeds.mldsa)
    const made = createHybridKey(mine)
    wipeSeeds(mine)
    expect(mine.ed25519.every((byte) => byte === 0) && mine.mldsa.every((byte) => byte === 0)).toBe(true)
    expect(verifyHybrid(key.publicKey, CONTEXT, message, made.sign(CONTEXT, message))).toBe(true)
  })

  it('are refused when they have the wrong length', () => {
    expect(() => createHybridKey(secretSeeds(new Uint8Array(31), new Uint8Array(32)))).toThrow(
      expect.objectContaining({ code: 'BAD_SEED' }),
    )
  })

  it('do not show when seeds or a key are printed, spread, cloned or turned into JSON', () => {
    const shown = [
      inspect(seeds, { showHidden: false, depth: 9 }),
      JSON.stringify({ seeds, key: { ...key, publicKey: undefined } }),
      inspect({ ...seeds }),
      inspect(structuredClone({ ...seeds })),
      inspect({ deep: { seeds } }, { depth: 9 }),
      String(seeds),
    ].join('\n')
    for (const secret of [seeds.ed25519, seeds.mldsa]) {
      expect(shown).not.toContain(Buffer.from(secret).toString('hex'))
      expect(shown).not.toContain([...secret.subarray(0, 6)].join(', '))
      expect(shown).not.toContain(`"0":${secret[0]}`)
    }
    expect(shown).toContain('[secret seeds]')
  })
})
