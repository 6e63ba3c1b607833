import { inspect } from 'node:util'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../tests/helpers/security-world.ts'
import { generateSeeds } from './hybrid-key.ts'
import { createIdentity, ed25519KeyOf, parseKeyedPeerId, peerIdOf } from './identity.ts'

const seeds = generateSeeds(seededRandom(3))
const identity = createIdentity(seeds)

describe('a node identity', () => {
  it('has the PeerId that libp2p gives its key', () => {
    const key = createIdentity(seeds).libp2pKey
    if (key.type !== 'Ed25519') throw new Error('not an Ed25519 key')
    expect(peerIdFromPrivateKey(key).toString()).toBe(identity.peerId)
  })

  it('signs for libp2p with the same Ed25519 key', async () => {
    const signature = await identity.libp2pKey.sign(new Uint8Array([1, 2, 3]))
    const publicKey = publicKeyFromRaw(identity.key.publicKey.ed25519)
    expect(await publicKey.verify(new Uint8Array([1, 2, 3]), signature)).toBe(true)
  })

  it('is read back from its PeerId', () => {
    expect(ed25519KeyOf(identity.peerId)).toEqual(identity.key.publicKey.ed25519)
    expect(peerIdOf(identity.key.publicKey.ed25519)).toBe(identity.peerId)
  })

  it('forgets its secret when wiped', () => {
    const mine = createIdentity(seeds)
    mine.wipe()
    expect(mine.libp2pKey.raw.every((byte) => byte === 0)).toBe(true)
    expect(() => mine.key.sign('x0t/test/1', new Uint8Array(1))).toThrow(
      expect.objectContaining({ code: 'KEY_WIPED' }),
    )
  })

  it('does not show its secret when printed or turned into JSON', () => {
    const shown = [inspect(identity, { depth: 9 }), JSON.stringify([identity, identity.libp2pKey])]
      .concat(inspect({ ...identity }, { depth: 9 }), inspect(identity.libp2pKey, { depth: 9 }))
      .join('\n')
    expect(shown).not.toContain([...seeds.ed25519.subarray(0, 6)].join(', '))
    expect(shown).not.toContain(
      Buffer.from(seeds.ed25519.subarray(0, 6)).toString('hex').match(/../g)?.join(' '),
    )
    expect(shown).not.toContain(`"0":${seeds.ed25519[0]},`)
  })
})

describe('a PeerId', () => {
  it('is refused unless it is the canonical text of an Ed25519 key', () => {
    const right = identity.peerId
    for (let at = 0; at < right.length; at++) {
      const changed = right.slice(0, at) + (right[at] === '2' ? '3' : '2') + right.slice(at + 1)
      const parsed = parseKeyedPeerId(changed)
      if (parsed !== undefined) expect(ed25519KeyOf(parsed)).not.toEqual(identity.key.publicKey.ed25519)
    }
    for (const wrong of [
      '',
      right.slice(1),
      `${right}1`,
      ` ${right}`,
      right.toLowerCase(),
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    ]) {
      expect(parseKeyedPeerId(wrong)).toBeUndefined()
    }
  })

  it('never makes the parser throw', () => {
    const base58 = fc.string({
      unit: fc.constantFrom(...'123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'),
      minLength: 44,
      maxLength: 44,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          base58.map((rest) => `12D3KooW${rest}`),
        ),
        (raw) => {
          const key = ed25519KeyOf(raw)
          return key === undefined || peerIdOf(key) === raw
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('is made of 32 bytes alone', () => {
    expect(() => peerIdOf(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'BAD_RECORD' }))
  })
})
