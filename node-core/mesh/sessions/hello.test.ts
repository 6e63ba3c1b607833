import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeHello,
  decodeReply,
  encodeHello,
  encodeReply,
  HELLO_BYTES,
  type Hello,
  type HelloReply,
} from './hello.ts'
import { RESET_REASONS } from './session-frames.ts'

const number = fc.maxSafeNat().map((n) => n % 2 ** 48)
const hellos: fc.Arbitrary<Hello> = fc
  .record({
    kind: fc.constantFrom('open' as const, 'resume' as const, 'attach' as const),
    openedBy: fc.constantFrom('sender' as const, 'receiver' as const),
    ...{ epoch: number, counter: number, received: number, credit: number },
  })
  .filter(({ kind, openedBy }) => kind !== 'open' || openedBy === 'sender')
const replies: fc.Arbitrary<HelloReply> = fc.oneof(
  fc.record({ kind: fc.constant('accepted' as const), epoch: number, received: number, credit: number }),
  fc.record({
    kind: fc.constant('refused' as const),
    epoch: number,
    reason: fc.constantFrom(...RESET_REASONS),
  }),
)

describe('hellos', () => {
  it('come out as they went in', () => {
    fc.assert(
      fc.property(hellos, (hello) => {
        expect(decodeHello(encodeHello(hello))).toEqual(hello)
      }),
    )
    fc.assert(
      fc.property(replies, (reply) => {
        expect(decodeReply(encodeReply(reply))).toEqual(reply)
      }),
    )
  })

  it('are refused with any bit of their fixed part changed', () => {
    const bytes = encodeHello({
      kind: 'attach',
      openedBy: 'receiver',
      epoch: 1,
      counter: 2,
      received: 3,
      credit: 4,
    })
    for (const at of [3, 28, 31]) {
      const changed = bytes.slice()
      changed[at] = 1
      expect(decodeHello(changed)).toBeUndefined()
    }
    expect(decodeHello(bytes.subarray(1))).toBeUndefined()
  })

  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: HELLO_BYTES + 2 }), (noise) => {
        decodeHello(noise)
        decodeReply(noise)
      }),
    )
  })
})
