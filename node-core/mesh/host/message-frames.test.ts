import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createMessageFrames, encodeFrame } from './message-frames.ts'

const limits = { maxFrameBytes: 1_000 }
const soon = () => AbortSignal.timeout(2_000)
const pairOf = async (): Promise<[Stream, Stream]> => await streamPair()

describe('message frames', () => {
  it('carry messages whole and in order, however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 1_000 }), { minLength: 1, maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }),
        async (messages, cuts) => {
          const [near, far] = await pairOf()
          const reader = createMessageFrames(far, limits)
          const bytes = Buffer.concat(messages.map((message) => encodeFrame(message).subarray()))
          for (let at = 0, index = 0; at < bytes.length; index++) {
            const size = cuts[index % cuts.length] ?? 1
            near.send(bytes.subarray(at, at + size))
            at += size
          }
          for (const message of messages) expect(await reader.read(soon())).toEqual(message)
          await near.close()
          expect(await reader.read(soon())).toBeUndefined()
          near.abort(new Error('done'))
          far.abort(new Error('done'))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('refuse a frame that is too long, on both sides, and reset the stream', async () => {
    const [near, far] = await pairOf()
    const writer = createMessageFrames(near, limits)
    const reader = createMessageFrames(far, limits)
    await expect(writer.write(new Uint8Array(1_001))).rejects.toMatchObject({
      fault: { code: 'FRAME_TOO_LARGE' },
    })
    near.send(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    await expect(reader.read(soon())).rejects.toMatchObject({ fault: { code: 'FRAME_TOO_LARGE' } })
    expect(far.status).toBe('aborted')
    await expect(reader.read(soon())).rejects.toMatchObject({ fault: { code: 'FRAME_TOO_LARGE' } })
  })

  it('tell an end inside a frame and a reset from a clean end', async () => {
    const [near, far] = await pairOf()
    const reader = createMessageFrames(far, limits)
    near.send(Uint8Array.of(0, 0, 0, 9, 1))
    await near.close()
    await expect(reader.read(soon())).rejects.toMatchObject({ fault: { code: 'FRAME_TRUNCATED' } })

    const [one, other] = await pairOf()
    const broken = createMessageFrames(other, limits)
    const waiting = broken.read(soon())
    one.abort(new Error('reset'))
    await expect(waiting).rejects.toMatchObject({ fault: { code: 'STREAM_CLOSED' } })
    await expect(broken.write(new Uint8Array(1))).rejects.toMatchObject({ fault: { code: 'STREAM_CLOSED' } })
  })

  it('stop waiting with the signal, and can be read on', async () => {
    const [near, far] = await pairOf()
    const reader = createMessageFrames(far, limits)
    await expect(reader.read(AbortSignal.timeout(10))).rejects.toMatchObject({ fault: { code: 'ABORTED' } })
    near.send(encodeFrame(Uint8Array.of(7)))
    expect(await reader.read(soon())).toEqual(Uint8Array.of(7))
  })

  it('give frames that came before a close to a reader that starts late', async () => {
    const [near, far] = await pairOf()
    near.send(encodeFrame(Uint8Array.of(1)))
    near.send(encodeFrame(Uint8Array.of(2)))
    await near.close()
    await eventually('the end has arrived', () => far.remoteWriteStatus === 'closed')
    const reader = createMessageFrames(far, limits)
    expect(await reader.read(soon())).toEqual(Uint8Array.of(1))
    expect(await reader.read(soon())).toEqual(Uint8Array.of(2))
    expect(await reader.read(soon())).toBeUndefined()
  })

  it('make a writer wait for a reader that does not read', async () => {
    const [near, far] = await pairOf()
    const writer = createMessageFrames(near, limits)
    const reader = createMessageFrames(far, limits)
    const frame = new Uint8Array(1_000)
    for (let count = 0; count < 100; count++) {
      void writer.write(frame).catch(() => undefined)
    }
    await eventually('the reader is paused', () => far.readStatus === 'paused')
    let read = 0
    while (read < 100) {
      expect(await reader.read(soon())).toHaveLength(1_000)
      read += 1
    }
  })
})
