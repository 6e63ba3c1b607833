import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { CipherState, MAX_NONCE } from './cipher-state.ts'
import type { HandshakeFault } from './faults.ts'
import { openFrame, sealFrames, sealPayload } from './frames.ts'
import type { TransportKeys } from './handshake-state.ts'
import type { AeadKind, Implementation } from './primitives.ts'
import { selectPrimitives } from './probe.ts'
import { SecuredStream } from './secured-stream.ts'

interface EndOptions {
  readonly kind?: AeadKind
  readonly implementation?: Implementation
  readonly rekeyAfterFrames?: number
}

/** The keys of one end; `first` and `second` name the fill of each direction's key. */
function keysOf(first: number, second: number, { kind = 'aesgcm', implementation = 'native' }: EndOptions) {
  const { aead } = selectPrimitives(kind, implementation)
  const state = (fill: number): CipherState => new CipherState(aead, new Uint8Array(32).fill(fill))
  return {
    send: state(first),
    receive: state(second),
    handshakeHash: new Uint8Array(32),
  } satisfies TransportKeys
}

function connect(a: EndOptions = {}, b: EndOptions = a) {
  const [rawA, rawB] = multiaddrConnectionPair()
  const end = (raw: MultiaddrConnection, keys: TransportKeys, { rekeyAfterFrames }: EndOptions) => {
    const stream = new SecuredStream(raw, keys, { rekeyAfterFrames, leftover: new Uint8ArrayList() })
    const received: Uint8Array[] = []
    stream.addEventListener('message', (event) => received.push(Uint8Array.from(event.data.subarray())))
    return { stream, raw, keys, received, bytes: () => Buffer.concat(received) }
  }
  return { a: end(rawA, keysOf(1, 2, a), a), b: end(rawB, keysOf(2, 1, b), b) }
}

const codeOf = (error: unknown): string => (error as { fault?: HandshakeFault }).fault?.code ?? 'untyped'
const pattern = (length: number): Uint8Array => new Uint8Array(length).map((_, i) => (i * 31) & 0xff)

describe('the secured stream', () => {
  it('carries any sizes both ways, in order and byte for byte, in every mix of implementations', async () => {
    const sizes = [1, 2, 65_518, 65_519, 65_520, 131_038, 131_039, 524_152, 524_153, 1_200_000]
    for (const kind of ['aesgcm', 'chachapoly'] as const) {
      for (const implementation of ['native', 'noble'] as const) {
        const { a, b } = connect({ kind }, { kind, implementation })
        const sent = sizes.map(pattern)
        for (const bytes of sent) {
          a.stream.send(bytes)
          b.stream.send(new Uint8ArrayList(bytes.subarray(0, 1), bytes.subarray(1)))
        }
        const all = Buffer.concat(sent)
        await eventually(
          'all bytes have arrived',
          () => a.bytes().length === all.length && b.bytes().length === all.length,
        )
        expect(b.bytes().equals(all)).toBe(true)
        expect(a.bytes().equals(all)).toBe(true)
      }
    }
  })

  it('rekeys each direction after its frames, at both ends alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 40 }),
        async (every, frames) => {
          const { a, b } = connect({ rekeyAfterFrames: every })
          const first = Buffer.from(a.keys.send.exportKey())
          for (let i = 0; i < frames; i += 1) a.stream.send(Uint8Array.of(i, 7))
          await eventually('all frames have arrived', () => b.bytes().length === 2 * frames)
          // A transport that is busy lets several sends grow into one frame, so the frames are counted by the nonce.
          expect(Buffer.from(a.keys.send.exportKey()).equals(first)).toBe(a.keys.send.nonce < every)
          expect(b.keys.receive.nonce).toBe(a.keys.send.nonce)
          expect(Buffer.from(b.keys.receive.exportKey())).toEqual(Buffer.from(a.keys.send.exportKey()))
          expect(Buffer.from(a.keys.receive.exportKey())).toEqual(Buffer.alloc(32, 2))
        },
      ),
      { numRuns: 25 },
    )
  })

  it('does not understand a peer that rekeys at other times', async () => {
    const { a, b } = connect({ rekeyAfterFrames: 2 }, { rekeyAfterFrames: 3 })
    let ended: unknown
    b.stream.addEventListener('close', (event) => {
      ended = event.error
    })
    for (let i = 0; i < 3; i += 1) a.stream.send(Uint8Array.of(i))
    await eventually('the stream has ended', () => ended !== undefined)
    expect(codeOf(ended)).toBe('NOT_AUTHENTIC')
  })

  it('gives nothing out of a frame with a flipped bit or a missing end, at every offset', () => {
    const { send } = keysOf(1, 2, {})
    const frame = sealPayload(send, pattern(40), undefined)
    for (let at = 0; at < frame.length; at += 1) {
      const { receive } = keysOf(2, 1, {})
      const forged = Uint8Array.from(frame)
      forged[at] = (forged[at] ?? 0) ^ 0x10
      const open = (bytes: Uint8Array): string => {
        try {
          openFrame(receive, 'frame', bytes, undefined)
          return 'opened'
        } catch (error) {
          return codeOf(error)
        }
      }
      expect(open(forged)).toBe('NOT_AUTHENTIC')
      expect(open(frame.subarray(0, at))).toBe(at < 16 ? 'MESSAGE_MALFORMED' : 'NOT_AUTHENTIC')
      expect(open(frame)).toBe('opened')
    }
  })

  it('ends with a typed error when a frame was tampered with, and gives nothing of that burst out', async () => {
    const { a, b } = connect()
    let ended: unknown
    b.stream.addEventListener('close', (event) => {
      ended = event.error
    })
    const frame = sealFrames(a.keys.send, new Uint8ArrayList(pattern(10)), undefined).subarray()
    frame[5] = (frame[5] ?? 0) ^ 1
    a.raw.send(frame)
    await eventually('the stream has ended', () => ended !== undefined)
    expect(codeOf(ended)).toBe('NOT_AUTHENTIC')
    expect(b.received).toEqual([])
    await eventually('the far end has noticed', () => a.stream.status !== 'open')
    expect(() => b.stream.send(Uint8Array.of(1))).toThrow()
  })

  it('ends with a typed error when its nonces are used up', async () => {
    const { a, b } = connect()
    for (const cipher of [a.keys.send, b.keys.receive]) cipher.setNonce(MAX_NONCE - 1)
    a.stream.send(Uint8Array.of(42))
    await eventually('the last frame has arrived', () => b.received.length === 1)
    let ended: unknown
    a.stream.addEventListener('close', (event) => {
      ended = event.error
    })
    expect(() => a.stream.send(Uint8Array.of(43))).toThrow(
      expect.objectContaining({ code: 'NONCE_EXHAUSTED' }),
    )
    expect(codeOf(ended)).toBe('NONCE_EXHAUSTED')
    expect(a.stream.status).toBe('aborted')
  })

  it('gives out what came together with the last message of the handshake', async () => {
    const { send } = keysOf(1, 2, {})
    const frame = sealFrames(send, new Uint8ArrayList(pattern(5)), undefined).subarray()
    const [, raw] = multiaddrConnectionPair()
    const stream = new SecuredStream(raw, keysOf(2, 1, {}), {
      rekeyAfterFrames: undefined,
      leftover: new Uint8ArrayList(frame),
    })
    let text = Buffer.alloc(0)
    stream.addEventListener('message', (event) => {
      text = Buffer.concat([text, event.data.subarray()])
    })
    await eventually('the leftover was given out', () => text.length === 5)
    expect(text).toEqual(Buffer.from(pattern(5)))
  })

  it('keeps the order when it leaves its short way and comes back to it', async () => {
    const { a, b } = connect()
    const short: number[] = []
    const all: number[] = []
    const note = (texts: number[]) => (text: Uint8Array) => void texts.push(...text)
    b.stream.shortcut((text) => {
      note(short)(text)
      note(all)(text)
    })
    // The listener of `connect` is the one that the short way stands for.
    b.stream.addEventListener('message', ({ data }) => note(all)(data.subarray()))
    a.stream.send(Uint8Array.of(1))
    await eventually('with two listeners it is an event', () => all.length === 1)
    expect(short).toEqual([])

    const { a: c, b: d } = connect()
    const order: number[] = []
    d.stream.shortcut(note(order))
    c.stream.send(Uint8Array.of(1))
    await eventually('the first is there', () => order.length === 1)
    d.stream.pause()
    c.stream.send(Uint8Array.of(2))
    c.stream.send(Uint8Array.of(3))
    d.stream.resume()
    c.stream.send(Uint8Array.of(4))
    await eventually('all are there', () => order.length + d.bytes().length === 4)
    expect([...order.slice(0, 1), ...d.bytes(), ...order.slice(1)]).toEqual([1, 2, 3, 4])
  })

  it('wipes both keys when the connection ends', async () => {
    const { a, b } = connect()
    await a.stream.close()
    await eventually('both ends have closed', () => b.stream.status !== 'open')
    for (const { keys } of [a, b]) {
      expect(Buffer.from(keys.send.exportKey())).toEqual(Buffer.alloc(32))
      expect(Buffer.from(keys.receive.exportKey())).toEqual(Buffer.alloc(32))
    }
  })
})
