import type { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { beforeEach, describe, expect, it } from 'vitest'
import { createMemoryMesh, type MemoryMember, type MemoryMesh } from '../../../tests/helpers/memory-paths.ts'
import { decodeReply, encodeHello, HELLO_BYTES, type Hello, type HelloReply } from './hello.ts'
import { MAX_CARRIERS } from './session.ts'
import { createFrameDecoder, encodeHeader, type SessionFrame } from './session-frames.ts'

const MIB = 1024 * 1024
const never = new AbortController().signal

let mesh: MemoryMesh
let victim: MemoryMember
let honest: MemoryMember
let hostile: MemoryMember
/** Sessions that the victim's application got, by who opened them. */
let served: { readonly peer: string; readonly flow: Duplex }[]

beforeEach(async () => {
  mesh = createMemoryMesh(2)
  victim = await mesh.join()
  honest = await mesh.join()
  hostile = await mesh.join()
  // It answers nobody.
  await hostile.sessions.stop()
  served = []
  await victim.sessions.handle((flow, peer) => {
    served.push({ peer, flow })
    flow.on('error', () => {})
  })
})

const hello = (over: Partial<Hello> = {}): Hello => ({
  kind: 'open',
  openedBy: 'sender',
  epoch: 7,
  counter: 0,
  received: 0,
  credit: 2 ** 40,
  ...over,
})

/** A carrier in the hands of somebody who sends what he likes. */
async function rawCarrier(first: Hello | Uint8Array, from = hostile) {
  const stream: Stream = from.dial(victim.peer)
  const frames: SessionFrame[] = []
  const decoder = createFrameDecoder((frame) => frames.push(frame))
  let head = Buffer.alloc(0)
  const seen = { reply: undefined as HelloReply | undefined, isClosed: false, frames }
  stream.addEventListener('message', ({ data }) => {
    const bytes = Buffer.from(data.subarray())
    if (seen.reply !== undefined) {
      decoder.push(bytes)
      return
    }
    head = Buffer.concat([head, bytes])
    if (head.length < HELLO_BYTES) return
    seen.reply = decodeReply(head.subarray(0, HELLO_BYTES))
    decoder.push(head.subarray(HELLO_BYTES))
  })
  for (const event of ['close', 'end'] as const) {
    stream.addEventListener(event, () => {
      seen.isClosed = true
    })
  }
  stream.send(first instanceof Uint8Array ? first : encodeHello(first))
  await mesh.settle()
  const send = async (...sent: SessionFrame[]): Promise<void> => {
    for (const frame of sent) {
      stream.send(encodeHeader(frame))
      if (frame.kind === 'data') stream.send(frame.payload)
    }
    await mesh.settle()
  }
  return { stream, seen, send }
}

/** An exchange between two honest members, while the third does what it does. */
async function expectHonestService(): Promise<void> {
  const flow = await honest.sessions.open(victim.peer, never)
  await mesh.settle()
  const other = served.at(-1)
  expect(other?.peer).toBe(honest.peer)
  const got: Buffer[] = []
  other?.flow.on('data', (part: Buffer) => got.push(part))
  const sent = Buffer.alloc(3 * MIB, 5)
  flow.on('error', () => {})
  flow.end(sent)
  await mesh.pass(50)
  expect(Buffer.concat(got).equals(sent)).toBe(true)
  other?.flow.end()
  flow.resume()
  await mesh.pass(50)
  expect(flow.closed).toBe(true)
}

const held = (): number => victim.sessions.counters().heldBytes

describe('a member that does not play by the rules costs the others nothing:', () => {
  it('one that never acknowledges holds little, and not for ever', async () => {
    await rawCarrier(hello())
    const flow = served[0]?.flow
    let written = 0
    const chunk = Buffer.alloc(64 * 1024, 1)
    const fill = (): void => {
      while (written < 100 * MIB && flow?.write(chunk) === true) written += chunk.length
    }
    flow?.on('drain', fill)
    fill()
    await mesh.settle()
    expect(written).toBeLessThan(5 * MIB)
    await expectHonestService()
    await mesh.pass(32_000)
    expect(flow?.destroyed).toBe(true)
    expect(held()).toBe(0)
  })

  it('many that never acknowledge leave room for others', async () => {
    const hogs = await Promise.all(Array.from({ length: 12 }, () => mesh.join()))
    const chunk = Buffer.alloc(64 * 1024, 1)
    for (const hog of hogs) {
      for (let counter = 0; counter < 20; counter++) await rawCarrier(hello({ counter }), hog)
    }
    for (const { flow } of served) {
      const fill = (): void => {
        while (flow.write(chunk));
      }
      flow.on('drain', fill)
      fill()
    }
    await mesh.settle()
    expect(held()).toBeLessThan(256 * MIB)
    await expectHonestService()
  })

  it('one that opens and abandons is refused beyond its limit, and forgotten in the end', async () => {
    for (let counter = 0; counter < 300; counter++) {
      const { stream, seen } = await rawCarrier(hello({ counter }))
      if (counter < 256) expect(seen.reply?.kind).toBe('accepted')
      else expect(seen.reply).toMatchObject({ kind: 'refused', reason: 'over-limit' })
      stream.abort(new Error('abandoned'))
    }
    await expectHonestService()
    await mesh.pass(32_000)
    expect(victim.sessions.sessions()).toEqual([])
    expect(held()).toBe(0)
  })

  it('one that resumes what is not its own learns nothing and changes nothing', async () => {
    const flow = await honest.sessions.open(victim.peer, never)
    flow.on('error', () => {})
    await mesh.settle()
    const id = victim.sessions.sessions()[0]?.id
    for (const kind of ['resume', 'attach'] as const) {
      for (const openedBy of ['sender', 'receiver'] as const) {
        const { seen } = await rawCarrier(
          hello({ kind, openedBy, epoch: id?.epoch ?? 0, counter: id?.counter ?? 0 }),
        )
        expect(seen.reply).toMatchObject({ kind: 'refused', reason: 'unknown-session' })
      }
    }
    flow.write('still here')
    await mesh.settle()
    expect(String(served[0]?.flow.read())).toBe('still here')
  })

  it('one that floods hellos is cut off before they are read', async () => {
    for (let wave = 0; wave < 6; wave++) {
      for (let count = 0; count < 250; count++) {
        hostile.dial(victim.peer).send(encodeHello(hello({ kind: 'resume' })))
      }
      await mesh.settle()
    }
    expect(victim.sessions.counters().refusedHellos).toBe(1_500)
    const { seen } = await rawCarrier(hello())
    expect(seen).toMatchObject({ isClosed: true, reply: undefined })
    await expectHonestService()
    await mesh.pass(1_000)
    expect((await rawCarrier(hello())).seen.reply?.kind).toBe('accepted')
  })

  it('one that opens carriers and says nothing loses them', async () => {
    const { seen } = await rawCarrier(new Uint8Array(3))
    await mesh.pass(3_100)
    expect(seen.isClosed).toBe(true)
  })

  it('one that attaches carriers for ever only pushes out its own', async () => {
    const first = await rawCarrier(hello())
    const attached = []
    for (let count = 0; count < 50; count++) attached.push(await rawCarrier(hello({ kind: 'attach' })))
    expect(attached.filter(({ seen }) => !seen.isClosed).length).toBeLessThan(MAX_CARRIERS)
    expect(first.seen.isClosed).toBe(false)
    expect(victim.sessions.sessions()).toHaveLength(1)
  })

  it('one that opens the same session again gets the same one', async () => {
    await rawCarrier(hello())
    await rawCarrier(hello())
    expect(served).toHaveLength(1)
  })

  it('one that opens a session again after its end is told that it is gone', async () => {
    const { send } = await rawCarrier(hello())
    await send({ kind: 'reset', reason: 'aborted' })
    const { seen } = await rawCarrier(hello())
    expect(seen.reply).toMatchObject({ kind: 'refused', reason: 'gone' })
    expect(served).toHaveLength(1)
  })

  it.each([
    ['acknowledges what was never sent', { kind: 'ack', received: 1, credit: 1 }],
    ['sends beyond its credit', { kind: 'data', offset: 64 * 1024, payload: new Uint8Array(1) }],
    ['leaves a gap', { kind: 'data', offset: 5, payload: new Uint8Array(1) }],
  ] satisfies [string, SessionFrame][])('one that %s is reset', async (_name, frame) => {
    const { send, seen } = await rawCarrier(hello())
    await send(frame)
    expect(seen.frames.at(-1)).toEqual({ kind: 'reset', reason: 'protocol-error' })
    expect(served[0]?.flow.destroyed).toBe(true)
    expect(held()).toBe(0)
  })

  it('one that claims in a hello to have what was never sent is reset', async () => {
    await rawCarrier(hello({ received: 9 }))
    expect([held(), served.length]).toEqual([0, 0])
    await expectHonestService()
  })

  it('one that sends no frames at all loses the carrier', async () => {
    const { stream, seen } = await rawCarrier(hello())
    stream.send(new Uint8Array(64).fill(0xee))
    await mesh.settle()
    expect(seen.isClosed).toBe(true)
  })

  it('one that sends single bytes costs about its bytes', async () => {
    const { send } = await rawCarrier(hello())
    for (let offset = 0; offset < 1_000; offset++) {
      await send({ kind: 'data', offset, payload: Uint8Array.of(offset & 255) })
    }
    const flow = served[0]?.flow
    // One piece in the Duplex, all others joined to a second one.
    expect(flow?.readableLength).toBe(1)
    flow?.read(1)
    expect(flow?.readableLength).toBe(999)
  })

  it('a hello of another version is answered with a refusal', async () => {
    const other = encodeHello(hello())
    other[0] = 99
    const { seen } = await rawCarrier(other)
    expect(seen.reply).toMatchObject({ kind: 'refused', reason: 'unsupported-version' })
  })

  it('nobody opens a session in the name of the other end', async () => {
    const { seen } = await rawCarrier(hello({ openedBy: 'receiver' }))
    expect(seen).toMatchObject({ isClosed: true, reply: undefined })
  })
})

describe('a member that is started again', () => {
  it('loses at once what waited for it, and keeps what is in use', async () => {
    const old = await rawCarrier(hello({ epoch: 7, counter: 1 }))
    await rawCarrier(hello({ epoch: 7, counter: 2 }))
    old.stream.abort(new Error('the process is gone'))
    await mesh.settle()
    await rawCarrier(hello({ epoch: 8, counter: 0 }))
    expect(victim.sessions.sessions().map(({ id }) => [id.epoch, id.counter])).toEqual([
      [7, 2],
      [8, 0],
    ])
  })

  it('is not shut out when its clock was set back', async () => {
    await rawCarrier(hello({ epoch: 8 }))
    expect((await rawCarrier(hello({ epoch: 3 }))).seen.reply?.kind).toBe('accepted')
  })

  it('resets what the other end still has of its sessions', async () => {
    const flow = await honest.sessions.open(victim.peer, never)
    let error: unknown
    flow.on('error', (cause) => {
      error = cause
    })
    await mesh.settle()
    await victim.sessions.stop()
    const reborn = await mesh.join()
    expect(reborn.peer).not.toBe(victim.peer)
    await mesh.settle()
    expect(flow.destroyed).toBe(true)
    expect(error).toMatchObject({ code: 'SESSION_RESET' })
  })
})

describe('the right to be here', () => {
  it('ends all sessions of a member that is expelled', async () => {
    const flow = await honest.sessions.open(victim.peer, never)
    flow.on('error', () => {})
    await mesh.settle()
    victim.sessions.expel(honest.peer)
    await mesh.settle()
    expect(flow.destroyed).toBe(true)
    expect(victim.sessions.sessions()).toEqual([])
  })
})
