import type { MessageStream, Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { dialAddresses, startTestHost } from '../../../tests/helpers/mesh-hosts.ts'
import { createFlows } from '../flows/flows.ts'
import { createMuxDecoder, encodeHeader, FLAG, FRAME, GO_AWAY, type MuxHeader } from './mux-frames.ts'
import { receiveFrom, STREAM_WINDOW_BYTES } from './mux-stream.ts'
import { createMuxers } from './muxer.ts'

const MIB = 1024 * 1024
const LIMITS = { maxInboundStreams: 4, maxOutboundStreams: 4, maxEarlyStreams: 4 }
const clock = createManualClock()
const ours = createMuxers(clock, LIMITS)
const stock = yamux({
  streamOptions: { initialStreamWindowSize: STREAM_WINDOW_BYTES, maxStreamWindowSize: STREAM_WINDOW_BYTES },
})()

/** Our muxer over a raw connection whose other end is played by the test. */
function alone() {
  const [near, far] = multiaddrConnectionPair()
  const muxer = ours.createStreamMuxer(near)
  const arrived: Stream[] = []
  muxer.addEventListener('stream', ({ detail }) => void arrived.push(detail))
  const got: MuxHeader[] = []
  const decoder = createMuxDecoder({
    header: (header) => void got.push(header),
    data: () => {},
    dataEnd: () => {},
    bare: () => {},
  })
  far.addEventListener('message', ({ data }) => decoder.push(data.subarray()))
  const say = (header: Partial<MuxHeader>, data: Uint8Array = new Uint8Array(0)): void => {
    const full = { type: FRAME.windowUpdate, flags: FLAG.none, streamId: 2, length: data.length, ...header }
    far.send(new Uint8ArrayList(encodeHeader(full), data))
  }
  return { near, far, muxer, arrived, got, say }
}

function pair(first: StreamMuxer, second: StreamMuxer, arrived = Promise.withResolvers<Stream>()) {
  second.addEventListener('stream', ({ detail }) => arrived.resolve(detail))
  return { open: async () => ({ near: await first.createStream(), far: await arrived.promise }) }
}

function collect(stream: Stream): { bytes(): Buffer } {
  const parts: Uint8Array[] = []
  receiveFrom(stream, (bytes) => void parts.push(bytes))
  return { bytes: () => Buffer.concat(parts) }
}

const pattern = (bytes: number): Uint8Array => new Uint8Array(bytes).map((_, at) => (at * 31) & 0xff)

describe('the muxer and that of libp2p', () => {
  for (const [name, dialler, listener] of [
    ['ours to the stock one', ours, stock],
    ['the stock one to ours', stock, ours],
    ['ours to ours', ours, ours],
  ] as const) {
    it(`understand each other: ${name}`, async () => {
      const [a, b]: MessageStream[] = multiaddrConnectionPair()
      if (a === undefined || b === undefined) throw new Error('no pair')
      const { near, far } = await pair(dialler.createStreamMuxer(a), listener.createStreamMuxer(b)).open()
      const [toFar, toNear] = [pattern(5 * MIB + 17), pattern(3 * MIB + 5)]
      const [atFar, atNear] = [collect(far), collect(near)]
      near.send(toFar)
      far.send(toNear)
      await eventually(
        'all is there',
        () => atFar.bytes().length === toFar.length && atNear.bytes().length === toNear.length,
      )
      expect(atFar.bytes().equals(toFar)).toBe(true)
      expect(atNear.bytes().equals(toNear)).toBe(true)
      await near.close()
      await eventually('the far end knows that no more comes', () => far.remoteWriteStatus === 'closed')
      far.send(Uint8Array.of(1, 2, 3))
      await eventually('the other direction goes on', () => atNear.bytes().length === toNear.length + 3)
      await far.close()
      await eventually('both are over', () => near.status === 'closed' && far.status === 'closed')
    })
  }

  it('pass on a reset', async () => {
    const [a, b] = multiaddrConnectionPair()
    const { near, far } = await pair(ours.createStreamMuxer(a), stock.createStreamMuxer(b)).open()
    collect(near)
    far.abort(new Error('enough'))
    await eventually('the near end sees it', () => near.status === 'reset')
  })
})

describe('a stream of the muxer', () => {
  it('lets its writer send a window and no more to a reader that has paused, and grants it again afterwards', async () => {
    const [a, b] = multiaddrConnectionPair()
    const { near, far } = await pair(ours.createStreamMuxer(a), ours.createStreamMuxer(b)).open()
    const got = collect(far)
    far.pause()
    expect(near.send(pattern(6 * MIB))).toBe(false)
    await eventually('a window has arrived', () => far.readBufferLength === STREAM_WINDOW_BYTES)
    expect(near.writeBufferLength).toBe(4 * MIB)
    expect(got.bytes().length).toBe(0)
    far.resume()
    await eventually('all has arrived', () => got.bytes().length === 6 * MIB)
    expect(got.bytes().equals(pattern(6 * MIB))).toBe(true)
  })

  it('costs the receiver of a transfer few frames on a real connection', async () => {
    const [near, far] = [await startTestHost(), await startTestHost()]
    const flows = createFlows({ streams: near.host })
    let received = 0
    await createFlows({ streams: far.host }).handle((flow) => {
      flow.on('data', (part: Buffer) => {
        received += part.length
      })
      flow.end()
    })
    const connection = await near.host.dial(dialAddresses(far.host), AbortSignal.timeout(5_000))
    const flow = await flows.open(far.host.peerId, AbortSignal.timeout(5_000))
    const before = connection.receivedBytes()
    flow.resume()
    flow.end(Buffer.alloc(32 * MIB))
    await eventually('all has arrived', () => received === 32 * MIB)
    // A frame of 12 bytes for each of the 256 turns would be 3 kB.
    expect(connection.receivedBytes() - before).toBeLessThan(1_500)
    await eventually('the flow is over', () => flow.closed)
    await Promise.all([near.host.stop(), far.host.stop()])
  })
})

describe('a peer of the muxer that breaks the rules', () => {
  const BREACHES: Record<string, (say: ReturnType<typeof alone>['say']) => void> = {
    'sends more than the window': (say) => {
      say({ flags: FLAG.syn })
      say({ type: FRAME.data, length: STREAM_WINDOW_BYTES + 1 })
    },
    'opens a stream with an id of the other end': (say) => say({ flags: FLAG.syn, streamId: 3 }),
    'sends a frame of an unknown type': (say) => say({ type: 9 }),
    'sends data that belongs to no stream': (say) => say({ type: FRAME.data, streamId: 0 }),
  }
  for (const [name, breach] of Object.entries(BREACHES)) {
    it(`loses the connection when it ${name}`, async () => {
      const { near, muxer, got, say } = alone()
      breach(say)
      await eventually('the connection is over', () => near.status !== 'open' && muxer.status === 'closed')
      expect(got.filter(({ type }) => type === FRAME.goAway)).toMatchObject([
        { length: GO_AWAY.protocolError },
      ])
    })
  }

  it('gets a reset for every stream above the limit, and keeps those it has', async () => {
    const { arrived, got, say } = alone()
    for (let id = 2; id <= 12; id += 2) say({ flags: FLAG.syn, streamId: id })
    await eventually('two are refused', () => got.filter(({ flags }) => flags === FLAG.rst).length === 2)
    expect(got.filter(({ flags }) => flags === FLAG.rst).map(({ streamId }) => streamId)).toEqual([10, 12])
    expect(arrived.map(({ status }) => status)).toEqual(['open', 'open', 'open', 'open'])
  })

  it('costs nothing with frames of streams that are gone', async () => {
    const { near, got, say } = alone()
    say({ type: FRAME.data, streamId: 8 }, pattern(1_000))
    say({ streamId: 8, length: 1_000, flags: FLAG.fin })
    say({ type: FRAME.ping, streamId: 0, flags: FLAG.syn, length: 77 })
    await eventually('the ping is answered', () => got.some(({ type }) => type === FRAME.ping))
    expect(got).toEqual([{ type: FRAME.ping, flags: FLAG.ack, streamId: 0, length: 77 }])
    expect(near.status).toBe('open')
  })
})

describe('the muxer', () => {
  it('says something every 30 s, so that nobody on the way forgets the connection', async () => {
    const { got, muxer } = alone()
    for (const count of [1, 2]) {
      clock.advance(30_000)
      await eventually('it pings', () => got.filter(({ type }) => type === FRAME.ping).length === count)
    }
    await muxer.close()
    await eventually('it says goodbye', () => got.at(-1)?.type === FRAME.goAway)
    clock.advance(120_000)
    expect(got.at(-1)).toMatchObject({ type: FRAME.goAway, length: GO_AWAY.normal })
  })
})
