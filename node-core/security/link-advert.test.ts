import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAdvertWorld } from '../../tests/helpers/advert-world.ts'
import { securityWorld } from '../../tests/helpers/security-world.ts'
import {
  compareAdvertNumbers,
  decodeEquivocationProof,
  decodeLinkAdvert,
  MAX_ADVERT_LINKS,
  MAX_LINK_ADVERT_BYTES,
  proveEquivocation,
  signLinkAdvert,
  verifyLinkAdvert,
} from './link-advert.ts'

const world = createAdvertWorld(3)
const leaf = (index: number) => world.nodes[index]?.chain.leaf ?? expect.fail('no such node')

describe('a link advert', () => {
  it('comes back from its bytes as it was signed, and verifies by the certificate of its origin alone', () => {
    const advert = world.advert(0, [7, 3], { 1: 900, 2: 12_000 })
    const decoded = decodeLinkAdvert(advert.bytes)
    expect(decoded).toEqual(advert)
    expect(decoded?.links).toHaveLength(2)
    expect(verifyLinkAdvert(advert, leaf(0))).toBe('valid')
    expect(verifyLinkAdvert(advert, leaf(1))).toBe('wrong-peer')
    expect(verifyLinkAdvert(advert, { ...leaf(0), meshId: securityWorld(9).meshId })).toBe('wrong-mesh')
  })

  it('does not verify when another node signed it in the name of the origin', () => {
    const key = world.nodes[1]?.identity.key ?? expect.fail('no such node')
    const { bytes: _b, record: _r, v: _v, ...content } = world.advert(0, [1, 1], { 1: 5 })
    expect(verifyLinkAdvert(signLinkAdvert(key, content), leaf(0))).toBe('forged')
  })

  it('survives no change of any byte', () => {
    const { bytes } = world.advert(0, [1, 1], { 1: 5, 2: 6 })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        const decoded = decodeLinkAdvert(changed)
        expect(decoded === undefined ? 'malformed' : verifyLinkAdvert(decoded, leaf(0))).not.toBe('valid')
      }),
      { numRuns: 200 },
    )
  })

  it('never throws for noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        expect(decodeLinkAdvert(noise)).toBeUndefined()
        expect(decodeEquivocationProof(noise)).toBeUndefined()
      }),
    )
  })

  it('is refused with too many links, links out of order, to itself, twice, or at no cost', () => {
    const good = world.advert(0, [1, 1], { 1: 5, 2: 6 }).links
    const [one, two] = good
    if (one === undefined || two === undefined) expect.fail('two links')
    const bad = [
      [two, one],
      [one, one],
      [{ ...one, peer: world.peer(0) }],
      [{ ...one, costUs: 0 }],
      [{ ...one, lossPpm: 1_000_001 }],
      [{ ...one, suite: 'x'.repeat(65) }],
    ]
    for (const links of bad) expect(() => world.advert(0, [1, 1], {}, { links })).toThrow(/bounds/)
  })

  it('fits its size with as many links as it may have', () => {
    const make = securityWorld(3)
    const peers = Array.from({ length: MAX_ADVERT_LINKS }, () => make.identity().peerId).sort()
    const links = peers.map((peer) => ({
      ...{ peer, costUs: 60_000_000, rttUs: 60_000_000, lossPpm: 1_000_000 },
      suite: 'x'.repeat(64),
    }))
    const { bytes } = world.advert(0, [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER], {}, { links })
    expect(bytes.length).toBeLessThan(MAX_LINK_ADVERT_BYTES)
    expect(decodeLinkAdvert(new Uint8Array(MAX_LINK_ADVERT_BYTES + 1))).toBeUndefined()
  })

  it('is ordered by incarnation first', () => {
    expect(compareAdvertNumbers({ incarnation: 2, seq: 1 }, { incarnation: 1, seq: 99 })).toBeGreaterThan(0)
    expect(compareAdvertNumbers({ incarnation: 1, seq: 2 }, { incarnation: 1, seq: 1 })).toBeGreaterThan(0)
  })
})

describe('a proof of equivocation', () => {
  const one = world.advert(0, [4, 2], { 1: 5 })
  const other = world.advert(0, [4, 2], { 2: 5 })

  it('is the same whichever advert came first, and comes back from its bytes', () => {
    const proof = proveEquivocation(one, other)
    expect(proof?.bytes).toEqual(proveEquivocation(other, one)?.bytes)
    expect(decodeEquivocationProof(proof?.bytes ?? new Uint8Array())).toEqual(proof)
  })

  it('is none for the same content signed twice, for two numbers, and for two origins', () => {
    expect(proveEquivocation(one, world.advert(0, [4, 2], { 1: 5 }))).toBeUndefined()
    expect(proveEquivocation(one, world.advert(0, [4, 3], { 2: 5 }))).toBeUndefined()
    expect(proveEquivocation(one, world.advert(1, [4, 2], { 2: 5 }))).toBeUndefined()
  })
})
