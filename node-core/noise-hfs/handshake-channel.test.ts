import { type MultiaddrConnection, StreamMessageEvent } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../tests/helpers/manual-clock.ts'
import { handshakeError } from './faults.ts'
import { frameOf, HandshakeChannel } from './handshake-channel.ts'

const LIMITS = { messageTimeoutMs: 3_000, maxBufferedBytes: 4_096 }
const TEXT = new TextEncoder().encode('a message')

function setUp(signal?: AbortSignal) {
  const [far, near] = multiaddrConnectionPair()
  const clock = createManualClock()
  const channel = new HandshakeChannel(clock, near, { ...LIMITS, signal })
  return { far, near, clock, channel }
}

const withCode = (code: string) => expect.objectContaining({ fault: expect.objectContaining({ code }) })
const ticks = async (): Promise<void> => {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function deliver(far: MultiaddrConnection, parts: readonly Uint8Array[]): Promise<void> {
  for (const part of parts) {
    far.send(part)
    await ticks()
  }
}

describe('the handshake channel', () => {
  it('reads messages however the transport cuts them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(400), { maxLength: 6 }),
        async (messages, cuts) => {
          const { far, channel } = setUp()
          const bytes = Buffer.concat(messages.map(frameOf))
          const edges = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
          const parts = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
          const delivered = deliver(
            far,
            parts.filter((part) => part.length > 0),
          )
          for (const message of messages) {
            expect(Buffer.from(await channel.read('A', 300))).toEqual(Buffer.from(message))
          }
          await delivered
        },
      ),
      { numRuns: 30 },
    )
  })

  it('keeps a message that arrives before the reader of the one before it has been told', async () => {
    const { near, channel } = setUp()
    const first = channel.read('D', 300)
    near.dispatchEvent(new StreamMessageEvent(frameOf(Uint8Array.of(1))))
    near.dispatchEvent(new StreamMessageEvent(frameOf(Uint8Array.of(2))))
    expect([...(await first)]).toEqual([1])
    expect([...channel.release().subarray()]).toEqual([...frameOf(Uint8Array.of(2)).subarray()])
  })

  it('ends a wait for a silent peer at its limit, and not before', async () => {
    const { clock, channel } = setUp()
    const reading = channel.read('B', 100)
    let ended = false
    reading.catch(() => {
      ended = true
    })
    clock.advance(2_999)
    await ticks()
    expect(ended).toBe(false)
    clock.advance(1)
    await expect(reading).rejects.toThrow(withCode('STALLED'))
    expect(clock.timers).toBe(0)
  })

  it('ends a wait for a peer that drips bytes at the same limit', async () => {
    const { far, clock, channel } = setUp()
    const reading = channel.read('C', 100)
    reading.catch(() => {})
    const frame = frameOf(TEXT)
    for (let at = 0; at < 4; at += 1) {
      await deliver(far, [frame.subarray(at, at + 1)])
      clock.advance(1_000)
    }
    await expect(reading).rejects.toThrow(withCode('STALLED'))
  })

  it('refuses a frame over the limit as soon as its length is there', async () => {
    const { far, channel } = setUp()
    far.send(Uint8Array.of(0xff, 0xff))
    await expect(channel.read('A', 1_216)).rejects.toThrow(withCode('MESSAGE_TOO_LARGE'))
  })

  it('refuses a flood before it was asked for', async () => {
    const { far, channel } = setUp()
    far.send(new Uint8Array(LIMITS.maxBufferedBytes + 1))
    await ticks()
    await expect(channel.read('A', 4_000)).rejects.toThrow(withCode('FLOODED'))
  })

  it('ends when the connection does, with what ended it', async () => {
    const lost = setUp()
    const reading = lost.channel.read('B', 100)
    reading.catch(() => {})
    lost.far.abort(new Error('cable cut'))
    await expect(reading).rejects.toThrow(withCode('CONNECTION_LOST'))

    const shed = setUp()
    const other = shed.channel.read('B', 100)
    other.catch(() => {})
    shed.near.abort(handshakeError({ code: 'SHED' }))
    await expect(other).rejects.toThrow(withCode('SHED'))
    expect(() => shed.channel.send(TEXT)).toThrow(withCode('SHED'))
  })

  it('still gives the message that came before the end', async () => {
    const { far, channel } = setUp()
    far.send(frameOf(TEXT))
    await ticks()
    far.abort(new Error('gone'))
    await ticks()
    expect(Buffer.from(await channel.read('D', 100))).toEqual(Buffer.from(TEXT))
    await expect(channel.read('D', 100)).rejects.toThrow(withCode('CONNECTION_LOST'))
  })

  it('listens to the signal, also to one that aborted before', async () => {
    const controller = new AbortController()
    const { channel } = setUp(controller.signal)
    const reading = channel.read('A', 100)
    reading.catch(() => {})
    controller.abort(new Error('enough'))
    await expect(reading).rejects.toThrow(withCode('HANDSHAKE_ABORTED'))
    await expect(setUp(controller.signal).channel.read('A', 100)).rejects.toThrow(
      withCode('HANDSHAKE_ABORTED'),
    )
  })

  it('bounds the work of an admission that hangs, and tells it', async () => {
    const { clock, channel } = setUp()
    let told: unknown
    const hanging = channel.during(
      'D',
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            told = signal.reason
            reject(new Error('late and unheard'))
          })
        }),
    )
    hanging.catch(() => {})
    clock.advance(3_000)
    await expect(hanging).rejects.toThrow(withCode('STALLED'))
    expect(told).toEqual(withCode('STALLED'))
  })

  it('lets go of the connection and hands over what it read too far', async () => {
    const { far, near, channel } = setUp()
    far.send(Buffer.concat([frameOf(TEXT), Uint8Array.of(1, 2, 3)]))
    await channel.read('C', 100)
    expect(channel.release().subarray()).toEqual(Buffer.of(1, 2, 3))
    let heard = 0
    near.addEventListener('message', (event) => {
      heard += event.data.byteLength
    })
    await deliver(far, [TEXT])
    expect(heard).toBe(TEXT.length)
  })
})
