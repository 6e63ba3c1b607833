import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInbox } from './inbox.ts'
import { createSendBuffer } from './send-buffer.ts'

const pieces = fc.array(
  fc.record({
    size: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 90_000 })),
    seed: fc.nat(255),
  }),
  { maxLength: 40 },
)
const bytesOf = ({ size, seed }: { size: number; seed: number }): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => (index * 7 + seed) & 255)

describe('an inbox', () => {
  it('gives back what was put in, in order, whenever it is asked', () => {
    fc.assert(
      fc.property(pieces, fc.infiniteStream(fc.boolean()), (all, takes) => {
        const inbox = createInbox()
        const [put, got]: [Uint8Array[], Uint8Array[]] = [[], []]
        for (const piece of all) {
          const bytes = bytesOf(piece)
          put.push(bytes)
          inbox.add(bytes)
          if (takes.next().value) got.push(inbox.take() ?? new Uint8Array(0))
        }
        for (let next = inbox.take(); next !== undefined; next = inbox.take()) got.push(next)
        expect(Buffer.concat(got).equals(Buffer.concat(put))).toBe(true)
        expect(inbox.sizeBytes).toBe(0)
      }),
    )
  })

  it('joins small pieces, and does not keep a large chunk alive for a small part of it', () => {
    const inbox = createInbox()
    for (let count = 0; count < 1_000; count++) inbox.add(Uint8Array.of(count & 255))
    const chunk = new Uint8Array(1024 * 1024)
    inbox.add(chunk.subarray(0, 10_000))
    const first = inbox.take()
    expect(first?.length).toBe(11_000)
    expect(first?.buffer).not.toBe(chunk.buffer)
  })

  it('keeps large pieces without a copy', () => {
    const inbox = createInbox()
    const chunk = new Uint8Array(64 * 1024)
    inbox.add(chunk)
    expect(inbox.take()?.buffer).toBe(chunk.buffer)
  })
})

describe('a send buffer', () => {
  it('holds every byte from its offset on until it is released', () => {
    fc.assert(
      fc.property(pieces, fc.infiniteStream(fc.nat(100_000)), (all, steps) => {
        const buffer = createSendBuffer()
        const whole = Buffer.concat(all.map(bytesOf))
        let read = 0
        const got: Buffer[] = []
        for (const piece of all) {
          buffer.push(bytesOf(piece))
          const slice = buffer.slice(read, 1 + (steps.next().value as number))
          got.push(Buffer.from(slice))
          read += slice.length
          buffer.release(Math.min(read, steps.next().value as number))
          expect(buffer.end - buffer.start).toBeLessThanOrEqual(whole.length)
        }
        while (read < buffer.end) {
          const slice = buffer.slice(read, 60_000)
          got.push(Buffer.from(slice))
          read += slice.length
        }
        expect(Buffer.concat(got).equals(whole)).toBe(true)
        for (let offset = buffer.start; offset < buffer.end; ) {
          const slice = buffer.slice(offset, 10_000)
          expect(Buffer.from(slice).equals(whole.subarray(offset, offset + slice.length))).toBe(true)
          offset += slice.length
        }
      }),
    )
  })

  it('gathers small writes that wait, so that they leave together', () => {
    const buffer = createSendBuffer()
    for (let count = 0; count < 500; count++) buffer.push(Uint8Array.of(1))
    expect(buffer.slice(0, 1_000).length).toBe(1)
    expect(buffer.slice(1, 1_000).length).toBe(499)
  })
})
