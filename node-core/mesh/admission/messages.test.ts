import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../tests/helpers/security-world.ts'
import { MAX_PROOF_BYTES } from '../../noise-hfs/admission-port.ts'
import {
  decodeInitiatorMessage,
  decodeResponderMessage,
  encodeInitiatorMessage,
  encodeResponderMessage,
  type InitiatorMessage,
  type ResponderMessage,
} from './messages.ts'

const { bytes } = seededRandom(3)
const proof = {
  authority: { ed25519: bytes(32), mldsa: bytes(1952) },
  chain: bytes(16 * 1024),
  signature: bytes(3309),
  supported: ['a', 'b'],
}
const initiator: InitiatorMessage[] = [
  { kind: 'member', chain: bytes(16 * 1024), signature: bytes(3309), offered: ['a', 'b'], selected: 'a' },
  { kind: 'ticket', ticket: 'a1'.repeat(16), proof: bytes(32), offered: ['/a/1', '/b'], selected: '/b' },
  { kind: 'join', request: bytes(12 * 1024), offered: ['a'], selected: 'a' },
]
const responder: ResponderMessage[] = [
  { kind: 'member', chain: bytes(16 * 1024), signature: bytes(3309), supported: ['a'], selected: 'a' },
  { kind: 'readmitted', ticket: '0f'.repeat(16), proof: bytes(32), supported: ['/a'], selected: '/a' },
  { kind: 'again' },
  { kind: 'joined', chain: bytes(16 * 1024), authority: proof.authority, meshName: 'home' },
  { kind: 'pending', joinId: 'join-0123456789abcdef' as never, proof },
  { kind: 'refused', code: 'revoked', reason: 'r'.repeat(256), proof },
  { kind: 'refused', code: 'revoked', reason: '' },
]

describe('the messages of the admission', () => {
  it('are read back as they were written, and the largest fits', () => {
    for (const message of initiator) {
      const encoded = encodeInitiatorMessage(message)
      expect(encoded.length).toBeLessThanOrEqual(MAX_PROOF_BYTES)
      expect(decodeInitiatorMessage(encoded)).toEqual(message)
    }
    for (const message of responder) {
      const encoded = encodeResponderMessage(message)
      expect(encoded.length).toBeLessThanOrEqual(MAX_PROOF_BYTES)
      expect(decodeResponderMessage(encoded)).toEqual(message)
    }
  })

  it('are never read from anything but their own encoding, whatever the bytes', () => {
    const seeds = [...initiator.map(encodeInitiatorMessage), ...responder.map(encodeResponderMessage)]
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.nat(),
        (seed, at, flip, cut) => {
          const changed = Uint8Array.from(seed)
          changed[at % 64] = (changed[at % 64] ?? 0) ^ flip
          const candidates = [
            changed,
            seed.subarray(0, cut % seed.length),
            Buffer.concat([seed, Buffer.from([flip])]),
          ]
          for (const candidate of candidates) {
            for (const [decode, encode] of [
              [decodeInitiatorMessage, encodeInitiatorMessage],
              [decodeResponderMessage, encodeResponderMessage],
            ] as const) {
              const decoded = decode(candidate)
              if (decoded !== undefined)
                expect(Buffer.from(encode(decoded as never))).toEqual(Buffer.from(candidate))
            }
          }
        },
      ),
    )
  })

  it('of a re-admission are read from their own encoding alone, whatever the bytes', () => {
    const lists = fc.array(fc.uint8Array({ maxLength: 70 }), { maxLength: 10 })
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3),
        fc.uint8Array({ maxLength: 60 }),
        fc.nat(12),
        lists,
        (type, front, count, texts) => {
          const body = Buffer.concat([front, Buffer.alloc(48)]).subarray(0, 48)
          const tail = texts.flatMap((text) => [
            Uint8Array.of(text.length),
            text.map((byte) => 0x21 + (byte % 0x5e)),
          ])
          const built = Buffer.concat([Uint8Array.of(type), body, Uint8Array.of(count), ...tail])
          const decoded = decodeInitiatorMessage(built) ?? decodeResponderMessage(built)
          if (decoded === undefined) return
          const encoded =
            decoded.kind === 'ticket'
              ? encodeInitiatorMessage(decoded)
              : encodeResponderMessage(decoded as never)
          expect(Buffer.from(encoded)).toEqual(built)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('of a re-admission are told apart by role', () => {
    const ticket = encodeInitiatorMessage({
      kind: 'ticket',
      ticket: '00'.repeat(16),
      proof: bytes(32),
      offered: ['/a'],
      selected: '/a',
    })
    expect([decodeInitiatorMessage(ticket)?.kind, decodeResponderMessage(ticket)]).toEqual([
      'ticket',
      undefined,
    ])
    const again = encodeResponderMessage({ kind: 'again' })
    expect([decodeInitiatorMessage(again), decodeResponderMessage(again)?.kind]).toEqual([undefined, 'again'])
  })

  it('are not read from noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 4_096 }), (noise) => {
        expect(decodeInitiatorMessage(noise)).toBeUndefined()
        expect(decodeResponderMessage(noise)).toBeUndefined()
      }),
    )
  })
})
