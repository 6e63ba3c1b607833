import { multiaddrConnectionPair } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { CipherState } from './cipher-state.ts'
import type { HandshakeFault } from './faults.ts'
import { bareFrame, MAX_TEXT_BYTES, sealFrames } from './frames.ts'
import type { AeadKind, Implementation } from './primitives.ts'
import { selectPrimitives } from './probe.ts'
import { SecuredStream } from './secured-stream.ts'

interface Options {
  readonly kind?: AeadKind
  readonly implementation?: Implementation
  readonly rekeyAfterFrames?: number | undefined
}

/** One direction; `fill` names its two keys. */
function cipher(fill: number, { kind = 'aesgcm', implementation = 'native' }: Options = {}): CipherState {
  const { aead } = selectPrimitives(kind, implementation)
  const state = new CipherState(aead, new Uint8Array(32).fill(fill))
  state.allowBare(new Uint8Array(32).fill(fill + 100))
  return state
}

/** The end that receives what `cipher(1)` sends. */
function receiver(options: Options = {}) {
  const [, raw] = multiaddrConnectionPair()
  const keys = { send: cipher(2, options), receive: cipher(1, options), handshakeHash: new Uint8Array(32) }
  const stream = new SecuredStream(raw, keys, {
    rekeyAfterFrames: options.rekeyAfterFrames,
    leftover: new Uint8ArrayList(),
  })
  const got: string[] = []
  let code: string | undefined
  const note = (kind: string) => (text: Uint8Array) => void got.push(`${kind} ${Buffer.from(text)}`)
  stream.addEventListener('message', ({ data }) => note('queued')(data.subarray()))
  stream.addEventListener('close', ({ error }) => {
    code = (error as { fault?: HandshakeFault } | undefined)?.fault?.code
  })
  stream.shortcut(note('sealed'), note('bare'))
  return { stream, got, codeNow: () => code }
}

const HEAD = Buffer.from('head ')
const bare = (state: CipherState, text: string, rekey?: number): Uint8Array =>
  bareFrame(state, HEAD, Buffer.from(text), rekey).subarray()
const sealed = (state: CipherState, text: string, rekeyAfterFrames?: number): Uint8Array =>
  sealFrames(state, Buffer.from(text), { rekeyAfterFrames }).subarray()

/** Four frames of one sender, and what each gives out. */
function burst() {
  const state = cipher(1)
  return {
    wire: [bare(state, 'a'), sealed(state, 'b'), bare(state, 'c'), sealed(state, 'd')],
    texts: ['bare head a', 'sealed b', 'bare head c', 'sealed d'],
  }
}

describe('a frame that is authenticated and not encrypted', () => {
  it('arrives in its place among the encrypted ones, in every mix of implementations, across rekeys', () => {
    for (const kind of ['aesgcm', 'chachapoly'] as const) {
      for (const implementation of ['native', 'noble'] as const) {
        const state = cipher(1, { kind })
        const end = receiver({ kind, implementation, rekeyAfterFrames: 3 })
        const expected: string[] = []
        for (let index = 0; index < 20; index += 1) {
          const isBare = index % 3 !== 1
          end.stream.receive((isBare ? bare : sealed)(state, `${index}`, 3))
          expected.push(isBare ? `bare head ${index}` : `sealed ${index}`)
        }
        expect(end.got).toEqual(expected)
      }
    }
  })

  it('carries its text as it is, and as much as a frame holds', () => {
    const text = new Uint8Array(MAX_TEXT_BYTES - HEAD.length).fill(7)
    const frame = bareFrame(cipher(1), HEAD, text, undefined)
    expect([...frame].some((part) => part.buffer === text.buffer)).toBe(true)
    expect(Buffer.from(frame.subarray(4, frame.byteLength - 16))).toEqual(Buffer.concat([HEAD, text]))
    expect(() => bareFrame(cipher(1), HEAD, new Uint8Array(MAX_TEXT_BYTES), undefined)).toThrow(RangeError)
  })

  it('gives nothing out with a flipped bit anywhere: mark, length, head, text or tag', () => {
    const state = cipher(1)
    const [frame, next] = [bare(state, 'text'), sealed(state, 'x'.repeat(70_000))]
    for (let at = 0; at < frame.length * 8; at += 1) {
      const forged = Uint8Array.from(frame)
      forged[at >> 3] = (forged[at >> 3] ?? 0) ^ (1 << (at & 7))
      const end = receiver()
      end.stream.receive(forged)
      // A length that has grown takes the frames behind it along.
      end.stream.receive(next)
      expect(end.got).toEqual([])
      expect(end.stream.status).toBe('aborted')
    }
  })

  it('cannot be dropped, repeated or moved, and neither can an encrypted one beside it', () => {
    const { wire, texts } = burst()
    const orders: number[][] = []
    const extend = (order: number[]): void => {
      if (order.length > 0) orders.push(order)
      if (order.length < wire.length) for (const next of wire.keys()) extend([...order, next])
    }
    extend([])
    for (const order of orders) {
      const end = receiver()
      for (const index of order) end.stream.receive(wire[index] ?? new Uint8Array(0))
      const honest = order.findIndex((index, place) => index !== place)
      expect(end.got).toEqual(texts.slice(0, honest < 0 ? order.length : honest))
      expect(end.codeNow()).toBe(honest < 0 ? undefined : 'NOT_AUTHENTIC')
    }
  })

  it('is not given out without its end', () => {
    const frame = bare(cipher(1), 'text')
    for (let length = 0; length < frame.length; length += 1) {
      const end = receiver()
      end.stream.receive(frame.subarray(0, length))
      expect(end.got).toEqual([])
      const cut = receiver()
      const shorter = Uint8Array.from(frame.subarray(0, Math.max(length, 4)))
      shorter[2] = (shorter.length - 4) >> 8
      shorter[3] = (shorter.length - 4) & 0xff
      cut.stream.receive(shorter)
      expect(cut.got).toEqual([])
      expect(cut.codeNow()).toMatch(/NOT_AUTHENTIC|MESSAGE_MALFORMED/)
    }
  })

  it('does not pass for one of the other direction, of the other kind, or under the key of the other kind', () => {
    const mirrored = receiver()
    mirrored.stream.receive(bare(cipher(2), 'text'))
    expect([mirrored.got, mirrored.codeNow()]).toEqual([[], 'NOT_AUTHENTIC'])

    const asSealed = receiver()
    asSealed.stream.receive(bare(cipher(1), 'text').subarray(2))
    expect([asSealed.got, asSealed.codeNow()]).toEqual([[], 'NOT_AUTHENTIC'])

    const asBare = receiver()
    asBare.stream.receive(Buffer.concat([Uint8Array.of(0, 1), sealed(cipher(1), 'text')]))
    expect([asBare.got, asBare.codeNow()]).toEqual([[], 'NOT_AUTHENTIC'])

    const { aead } = selectPrimitives('aesgcm', 'native')
    const transportKey = new CipherState(aead, new Uint8Array(32).fill(1))
    transportKey.allowBare(new Uint8Array(32).fill(1))
    const swapped = receiver()
    swapped.stream.receive(bare(transportKey, 'text'))
    expect([swapped.got, swapped.codeNow()]).toEqual([[], 'NOT_AUTHENTIC'])
  })

  it('is refused where nobody asked for such frames, and where there is no key for them', () => {
    const deaf = receiver()
    deaf.stream.shortcut(() => {})
    deaf.stream.receive(bare(cipher(1), 'text'))
    expect(deaf.codeNow()).toBe('MESSAGE_MALFORMED')

    const { aead } = selectPrimitives('aesgcm', 'native')
    const keyless = new CipherState(aead, new Uint8Array(32))
    expect(keyless.allowsBare).toBe(false)
    expect(() => bare(keyless, 'text')).toThrow(expect.objectContaining({ code: 'MISUSED' }))
  })

  it('has no key any more once the state is wiped', () => {
    const state = cipher(1)
    state.wipe()
    expect(() => bare(state, 'text')).toThrow(expect.objectContaining({ code: 'MISUSED' }))
  })
})
