import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMuxDecoder, encodeHeader, FRAME, type MuxHeader } from './mux-frames.ts'

type Seen = { readonly header: MuxHeader; data: number[]; isComplete: boolean }

const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const frame = fc.oneof(
  fc.record({
    streamId: uint32,
    flags: fc.integer({ min: 0, max: 15 }),
    data: fc.uint8Array({ maxLength: 80 }),
  }),
  fc.record({
    streamId: uint32,
    flags: fc.integer({ min: 0, max: 15 }),
    type: fc.constantFrom(1, 2, 3),
    length: uint32,
  }),
)

function collect(bytes: Uint8Array, cuts: readonly number[]): Seen[] {
  const seen: Seen[] = []
  const decoder = createMuxDecoder({
    header: (header) => void seen.push({ header, data: [], isComplete: header.type !== FRAME.data }),
    data: (part) => void seen.at(-1)?.data.push(...part),
    dataEnd: () => {
      const last = seen.at(-1)
      if (last !== undefined) last.isComplete = true
    },
    bare: () => expect.unreachable('nothing came bare'),
  })
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = cuts[turn % cuts.length] ?? 1
    decoder.push(bytes.subarray(at, at + size))
    at += size
  }
  return seen
}

describe('the frames of the muxer', () => {
  it('are read as they were written, however the bytes were cut', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), cuts, (frames, sizes) => {
        const expected = frames.map((each): Seen => {
          const { streamId, flags } = each
          if ('data' in each) {
            const header = { type: FRAME.data, streamId, flags, length: each.data.length }
            return { header, data: [...each.data], isComplete: true }
          }
          return {
            header: { type: each.type, streamId, flags, length: each.length },
            data: [],
            isComplete: true,
          }
        })
        const wire = Buffer.concat(
          expected.flatMap(({ header, data }) => [encodeHeader(header), Uint8Array.from(data)]),
        )
        expect(collect(wire, sizes)).toEqual(expected)
      }),
    )
  })

  it('hands on the beginning of a data frame before its end has come', () => {
    const header = encodeHeader({ type: FRAME.data, flags: 0, streamId: 3, length: 9 })
    const [seen] = collect(Buffer.concat([header, Uint8Array.of(1, 2)]), [100])
    expect(seen?.data).toEqual([1, 2])
    expect(seen?.isComplete).toBe(false)
  })

  it('have one version', () => {
    const bytes = encodeHeader({ type: FRAME.ping, flags: 1, streamId: 0, length: 1 })
    bytes[0] = 1
    expect(() => collect(bytes, [5])).toThrow(expect.objectContaining({ code: 'MUXER_BROKEN' }))
  })
})
