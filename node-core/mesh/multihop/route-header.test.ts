import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { securityWorld } from '../../../tests/helpers/security-world.ts'
import { encodeStrict } from '../../security/codec.ts'
import { ROUTE_REFUSALS, type RouteRefusalCode } from './route-fault.ts'
import {
  decodeHeader,
  decodeReply,
  encodeHeader,
  encodeReply,
  MAX_SETUP_FRAME_BYTES,
} from './route-header.ts'

const world = securityWorld()
const PEERS = Array.from({ length: 33 }, () => world.identity().peerId)
const peer = fc.constantFrom(...PEERS)
const codes = Object.keys(ROUTE_REFUSALS) as RouteRefusalCode[]

describe('the header of a route', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(peer, { minLength: 2, maxLength: 32 }), fc.nat(), (path, seed) => {
        const header = { path, at: 1 + (seed % (path.length - 1)) }
        const bytes = encodeHeader(header)
        expect(bytes.length).toBeLessThanOrEqual(MAX_SETUP_FRAME_BYTES)
        expect(decodeHeader(bytes)).toEqual(header)
      }),
    )
  })

  it('is nothing after any one byte was changed, or is another valid header', () => {
    const bytes = encodeHeader({ path: PEERS.slice(0, 5), at: 2 })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (offset, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[offset] = (changed[offset] ?? 0) ^ flip
        const header = decodeHeader(changed)
        if (header !== undefined) expect(encodeHeader(header)).toEqual(changed)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is nothing when the bytes are random, cut short or followed by more', () => {
    const bytes = encodeHeader({ path: PEERS.slice(0, 3), at: 1 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (noise) => {
        expect(decodeHeader(noise)).toBeUndefined()
        expect(decodeReply(noise)).toBeUndefined()
        if (noise.length > 0) expect(decodeHeader(Buffer.concat([bytes, noise]))).toBeUndefined()
      }),
    )
    for (let end = 0; end < bytes.length; end++) expect(decodeHeader(bytes.subarray(0, end))).toBeUndefined()
  })

  it.each([
    ['another version', { v: 2, path: PEERS.slice(0, 3), at: 1 }],
    ['a path of one', { v: 1, path: PEERS.slice(0, 1), at: 1 }],
    ['a path that no route can have', { v: 1, path: PEERS, at: 1 }],
    ['a reader before the first hop', { v: 1, path: PEERS.slice(0, 3), at: 0 }],
    ['a reader behind the end', { v: 1, path: PEERS.slice(0, 3), at: 3 }],
    ['a reader between two', { v: 1, path: PEERS.slice(0, 3), at: 1.5 }],
    ['what is no PeerId', { v: 1, path: [PEERS[0], 'somebody'], at: 1 }],
    ['a field too many', { v: 1, path: PEERS.slice(0, 3), at: 1, source: PEERS[0] }],
    ['a field too few', { v: 1, path: PEERS.slice(0, 3) }],
  ])('is refused with %s', (_name, value) => {
    expect(decodeHeader(encodeStrict(value))).toBeUndefined()
  })
})

describe('the reply to it', () => {
  it('is read as it was written', () => {
    expect(decodeReply(encodeReply({ kind: 'open' }))).toEqual({ kind: 'open' })
    fc.assert(
      fc.property(fc.constantFrom(...codes), peer, (code, at) => {
        const reply = { kind: 'refused', refusal: { code, at } } as const
        expect(decodeReply(encodeReply(reply))).toEqual(reply)
      }),
    )
  })

  it('is refused with a code that nobody has defined', () => {
    expect(decodeReply(encodeStrict({ v: 1, ok: false, code: 'BORED', at: PEERS[0] }))).toBeUndefined()
  })
})
