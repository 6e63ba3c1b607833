import { streamPair } from '@libp2p/utils'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createReadValve, drained } from './stream-control.ts'

describe('drained', () => {
  it('waits every time anew, and ends with the stream or the signal', async () => {
    const [near, far] = await streamPair({ capacity: 2 })
    far.addEventListener('message', () => {})
    for (let round = 0; round < 3; round++) {
      while (near.send(new Uint8Array(100)));
      expect(near.writableNeedsDrain).toBe(true)
      await drained(near, AbortSignal.timeout(2_000))
      expect(near.writableNeedsDrain).toBe(false)
    }
    while (near.send(new Uint8Array(100)));
    await expect(drained(near, AbortSignal.abort())).rejects.toMatchObject({ fault: { code: 'ABORTED' } })
    const waiting = drained(near)
    near.abort(new Error('over'))
    await expect(waiting).rejects.toMatchObject({ fault: { code: 'STREAM_CLOSED' } })
    await expect(drained(near)).rejects.toMatchObject({ fault: { code: 'STREAM_CLOSED' } })
  })
})

describe('drained, on a stream that its own leftovers fill again', () => {
  it('waits for the next drain', async () => {
    const [stream] = await streamPair()
    const full = Object.defineProperty(stream, 'writableNeedsDrain', { value: true, writable: true })
    let isDone = false
    const waiting = drained(full, AbortSignal.timeout(2_000)).then(() => {
      isDone = true
    })
    full.dispatchEvent(new Event('drain'))
    full.writableNeedsDrain = true
    await Promise.resolve()
    await Promise.resolve()
    expect(isDone).toBe(false)
    full.dispatchEvent(new Event('drain'))
    await waiting
    stream.abort(new Error('over'))
  })
})

describe('read valve', () => {
  it('makes a pause asked for during a resume after it', () => {
    const calls: string[] = []
    const stream = {
      readStatus: 'readable' as const,
      pause: () => void calls.push('pause'),
      resume: () => {
        calls.push('resume starts')
        valve.pause()
        calls.push('resume ends')
      },
      abort: () => {},
    }
    const valve = createReadValve(stream)
    valve.pause()
    valve.pause()
    valve.resume()
    expect(calls).toEqual(['pause', 'resume starts', 'resume ends', 'pause'])
    expect(valve.isPaused).toBe(true)
  })

  it('holds a stream and lets it go', async () => {
    const [near, far] = await streamPair()
    const valve = createReadValve(far)
    let received = 0
    far.addEventListener('message', ({ data }) => {
      received += data.byteLength
      valve.pause()
    })
    near.send(new Uint8Array(10))
    await eventually('the first bytes are there', () => received === 10)
    near.send(new Uint8Array(20))
    await eventually('the next bytes wait', () => far.readBufferLength === 20)
    expect(received).toBe(10)
    valve.resume()
    await eventually('they have come', () => received === 30)
    near.abort(new Error('over'))
    far.abort(new Error('over'))
    valve.resume()
  })
})
