import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_ADMISSION_MESSAGE_BYTES, MAX_PROOF_BYTES } from './admission-port.ts'
import { isHandshakeError } from './faults.ts'
import { MESSAGE_C_BYTES } from './handshake-state.ts'
import { decodeMessageC, encodeMessageC } from './message-c.ts'
import { decodePayload, encodePayload, MAX_PAYLOAD_BYTES } from './payload.ts'

const muxers = fc.array(fc.stringMatching(/^\/[a-z0-9./]{1,30}$/), { maxLength: 8 })
const key = fc.uint8Array({ maxLength: 300 })

/** What a decoder did: a value, or the code of a typed error. */
function outcome<T>(decode: () => T): T | string {
  try {
    return decode()
  } catch (error) {
    if (isHandshakeError(error)) return error.code
    throw error
  }
}

describe('the libp2p payload', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(key, key, muxers, (identityKey, identitySignature, streamMuxers) => {
        const decoded = decodePayload('B', encodePayload({ identityKey, identitySignature, streamMuxers }))
        expect(Buffer.from(decoded.identityKey)).toEqual(Buffer.from(identityKey))
        expect(Buffer.from(decoded.identitySignature)).toEqual(Buffer.from(identitySignature))
        expect(decoded.streamMuxers).toEqual(streamMuxers)
      }),
    )
  })

  it('has the bytes that protobuf gives it', () => {
    const payload = {
      identityKey: Uint8Array.of(1),
      identitySignature: Uint8Array.of(2, 3),
      streamMuxers: ['/y'],
    }
    expect(Buffer.from(encodePayload(payload)).toString('hex')).toBe(
      '0a0101' + '12020203' + '2204' + '12022f79',
    )
  })

  it('skips fields that it does not know, of every wire type', () => {
    const known = encodePayload({
      identityKey: Uint8Array.of(1),
      identitySignature: Uint8Array.of(2),
      streamMuxers: [],
    })
    const unknown = [
      Uint8Array.of(0x28, 0xff, 0xff, 0x01),
      Uint8Array.of(0x31, 1, 2, 3, 4, 5, 6, 7, 8),
      Uint8Array.of(0x3a, 2, 9, 9),
      Uint8Array.of(0x45, 1, 2, 3, 4),
    ]
    const decoded = decodePayload('C', Buffer.concat([...unknown, known, ...unknown]))
    expect(Buffer.from(decoded.identityKey)).toEqual(Buffer.of(1))
  })

  it('answers any bytes with a payload or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const result = outcome(() => decodePayload('B', bytes))
        expect(typeof result === 'string' ? result : 'decoded').toMatch(/^(MESSAGE_MALFORMED|decoded)$/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('answers every damage to a good payload with a payload or a typed error', () => {
    const good = encodePayload({
      identityKey: new Uint8Array(36).fill(8),
      identitySignature: new Uint8Array(64).fill(9),
      streamMuxers: ['/yamux/1.0.0'],
    })
    for (let at = 0; at < good.length; at += 1) {
      for (const change of [0x01, 0x80, 0xff]) {
        const bad = Uint8Array.from(good)
        bad[at] = (bad[at] ?? 0) ^ change
        outcome(() => decodePayload('B', bad))
      }
      expect(outcome(() => decodePayload('B', good.subarray(0, at)))).not.toBeUndefined()
    }
  })

  it('refuses payloads and lists over the limits', () => {
    const large = new Uint8Array(MAX_PAYLOAD_BYTES + 1)
    expect(outcome(() => decodePayload('B', large))).toBe('MESSAGE_TOO_LARGE')
    const many = encodePayload({
      identityKey: Uint8Array.of(1),
      identitySignature: Uint8Array.of(2),
      streamMuxers: Array.from({ length: 9 }, (_, i) => `/m/${i}`),
    })
    expect(outcome(() => decodePayload('B', many))).toBe('MESSAGE_MALFORMED')
    const cutShort = Uint8Array.of(0x12, 1, 2, 0x0a, 5, 1)
    expect(outcome(() => decodePayload('B', cutShort))).toBe('MESSAGE_MALFORMED')
    const noKey = Uint8Array.of(0x12, 1, 2)
    expect(outcome(() => decodePayload('B', noKey))).toBe('MESSAGE_MALFORMED')
  })
})

describe('the payload of message C', () => {
  it('gives back what was encoded, and the largest fits into the message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 896 }), fc.uint8Array({ maxLength: 2_000 }), (libp2p, proof) => {
        const decoded = decodeMessageC(encodeMessageC({ libp2p, proof }))
        expect(Buffer.from(decoded.libp2p)).toEqual(Buffer.from(libp2p))
        expect(Buffer.from(decoded.proof)).toEqual(Buffer.from(proof))
      }),
    )
    const largest = encodeMessageC({ libp2p: new Uint8Array(896), proof: new Uint8Array(MAX_PROOF_BYTES) })
    expect(largest.length + MESSAGE_C_BYTES).toBeLessThanOrEqual(MAX_ADMISSION_MESSAGE_BYTES)
  })

  it('answers any bytes with a payload or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
        const result = outcome(() => decodeMessageC(bytes))
        if (typeof result === 'string') expect(result).toMatch(/^MESSAGE_(MALFORMED|TOO_LARGE)$/)
        else expect(result.libp2p.length + result.proof.length + 2).toBe(bytes.length)
      }),
    )
  })

  it('refuses a proof over the limit, its own and the other end’s', () => {
    const proof = new Uint8Array(MAX_PROOF_BYTES + 1)
    expect(outcome(() => encodeMessageC({ libp2p: new Uint8Array(1), proof }))).toBe('ADMISSION_BROKEN')
    expect(outcome(() => decodeMessageC(Buffer.concat([Uint8Array.of(0, 0), proof])))).toBe(
      'MESSAGE_TOO_LARGE',
    )
    expect(outcome(() => decodeMessageC(Uint8Array.of(0xff, 0xff)))).toBe('MESSAGE_MALFORMED')
  })
})
