import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createFrameDecoder,
  encodeHeader,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
  RESET_REASONS,
  type SessionFrame,
} from './session-frames.ts'

const numbers = fc.maxSafeNat().map((n) => n % 2 ** 48)
const frames: fc.Arbitrary<SessionFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('data' as const),
    offset: fc.maxSafeNat().map((n) => n % 2 ** 47),
    payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  }),
  fc.record({ kind: fc.constant('ack' as const), received: numbers, credit: numbers }),
  fc.record({ kind: fc.constant('fin' as const), offset: numbers }),
  fc.record({ kind: fc.constant('ask' as const) }),
  fc.record({ kind: fc.constant('reset' as const), reason: fc.constantFrom(...RESET_REASONS) }),
)
const encode = (frame: SessionFrame): Buffer =>
  Buffer.concat([encodeHeader(frame), frame.kind === 'data' ? frame.payload : new Uint8Array(0)])

/** Puts the pieces of a payload together again: a decoder hands them over as they come. */
function whole(pieces: readonly SessionFrame[]): SessionFrame[] {
  const joined: SessionFrame[] = []
  for (const frame of pieces) {
    const last = joined.at(-1)
    const isNext =
      frame.kind === 'data' && last?.kind === 'data' && frame.offset === last.offset + last.payload.length
    if (isNext) {
      joined[joined.length - 1] = { ...last, payload: Uint8Array.from([...last.payload, ...frame.payload]) }
    } else joined.push(frame)
  }
  return joined
}

/** What comes out for these bytes, cut so; and whether the decoder still takes them for frames. */
function decode(bytes: Uint8Array, cuts: Iterator<number>): { got: SessionFrame[]; isGood: boolean } {
  const got: SessionFrame[] = []
  const decoder = createFrameDecoder((frame) => got.push(frame))
  let isGood = true
  for (let at = 0; at < bytes.length; ) {
    const size = cuts.next().value as number
    isGood = decoder.push(bytes.subarray(at, at + size))
    at += size
  }
  return { got, isGood }
}

describe('session frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frames, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 90 })),
        (sent, cuts) => {
          const { got, isGood } = decode(Uint8Array.from(Buffer.concat(sent.map(encode))), cuts)
          expect(isGood).toBe(true)
          expect(whole(got)).toEqual(whole(sent))
        },
      ),
    )
  })

  it('hand over the payload without a copy', () => {
    const chunk = new Uint8Array(encode({ kind: 'data', offset: 7, payload: new Uint8Array(100) }))
    const got: SessionFrame[] = []
    createFrameDecoder((frame) => got.push(frame)).push(chunk)
    const [frame] = got
    expect(frame?.kind === 'data' && frame.payload.buffer === chunk.buffer).toBe(true)
  })

  it('refuse what is no frame, without throwing, and stay refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: HEADER_BYTES, maxLength: 200 }), (noise) => {
        noise[0] = 0x77
        const got: SessionFrame[] = []
        const decoder = createFrameDecoder((frame) => got.push(frame))
        expect(decoder.push(noise)).toBe(false)
        expect(decoder.push(encode({ kind: 'fin', offset: 1 }))).toBe(false)
        expect(got).toEqual([])
      }),
    )
  })

  it('never throw, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 50 })),
        (noise, cuts) => {
          if (noise.length > 0) noise[0] = (noise[0] ?? 0) % 7
          decode(noise, cuts)
        },
      ),
    )
  })

  it.each([
    ['a payload that is too long', [1, 2, 0, 1]],
    ['data without a payload', [1, 0, 0, 0]],
    ['an acknowledgement with a payload', [2, 0, 0, 1]],
  ])('refuse %s', (_name, head) => {
    expect(MAX_PAYLOAD_BYTES).toBe(0x20000)
    expect(createFrameDecoder(() => {}).push(Uint8Array.from([...head, ...new Uint8Array(20)]))).toBe(false)
  })
})
