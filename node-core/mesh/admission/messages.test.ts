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
  { kind: 'join', request: bytes(12 * 1024), offered: ['a'], selected: 'a' },
]
const responder: ResponderMessage[] = [
  { kind: 'member', chain: bytes(16 * 1024), signature: bytes(3309), supported: ['a'], selected: 'a' },
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

  it('are not read from noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_096 }), (noise) => {
        expect(decodeInitiatorMessage(noise)).toBeUndefined()
        expect(decodeResponderMessage(noise)).toBeUndefined()
      }),
    )
  })
})
