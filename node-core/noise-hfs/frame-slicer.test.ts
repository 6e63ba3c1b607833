import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BARE_MARK, FrameSlicer, LENGTH_BYTES } from './frame-slicer.ts'

/** No frame has one byte: that length is the mark of a bare one. */
const frames = fc.array(
  fc.record({
    text: fc.uint8Array({ maxLength: 300 }).filter(({ length }) => length !== 1),
    isBare: fc.boolean(),
  }),
  { maxLength: 20 },
)

function wire(texts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(texts.flatMap((text) => [Uint8Array.of(text.length >> 8, text.length & 0xff), text]))
}

function wireOf(all: readonly { text: Uint8Array; isBare: boolean }[]): Uint8Array {
  return Buffer.concat(
    all.flatMap(({ text, isBare }) =>
      isBare ? [Uint8Array.of(0, BARE_MARK), wire([text])] : [wire([text])],
    ),
  )
}

describe('a frame slicer', () => {
  it('gives the same frames however the bytes were cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (texts, cuts) => {
        const slicer = new FrameSlicer()
        const got: { text: Buffer; isBare: boolean }[] = []
        const bytes = wireOf(texts)
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1
          slicer.push(bytes.subarray(at, at + size), (text, isBare) => {
            got.push({
              text: isBare ? Buffer.from(text.buffer, text.byteOffset, text.length) : Buffer.from(text),
              isBare,
            })
            return true
          })
          at += size
        }
        expect(got).toEqual(texts.map(({ text, isBare }) => ({ text: Buffer.from(text), isBare })))
      }),
    )
  })

  it('copies nothing of a frame that lies whole in a chunk, and holds only what a cut one needs', () => {
    const slicer = new FrameSlicer()
    const chunk = wire([new Uint8Array(1_000), new Uint8Array(500)])
    const buffers: ArrayBufferLike[] = []
    const collect = (frame: Uint8Array): boolean => buffers.push(frame.buffer) > 0
    slicer.push(chunk, collect)
    expect(buffers).toEqual([chunk.buffer, chunk.buffer])
    slicer.push(chunk.subarray(0, 10), collect)
    slicer.push(chunk.subarray(10), collect)
    expect(buffers[2]?.byteLength).toBe(LENGTH_BYTES + 1_000)
    expect(buffers[3]).toBe(chunk.buffer)
  })

  it('stops in the middle of a chunk when it is told to', () => {
    const slicer = new FrameSlicer()
    let calls = 0
    slicer.push(wire([Uint8Array.of(1, 1), Uint8Array.of(2, 2)]), () => {
      calls += 1
      return false
    })
    expect(calls).toBe(1)
  })
})
