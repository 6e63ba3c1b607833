import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PeerId } from '../../node-core/domain/ids.ts'
import type { FlowTransport } from '../../node-core/services/ports.ts'
import { eventually } from './eventually.ts'
import { type FlowNetwork, fakePeerId } from './flow-networks.ts'
import { randomChunks, stalled } from './streams.ts'

const MIB = 1024 * 1024
const limit = () => AbortSignal.timeout(10_000)

/** What every `FlowTransport` has to do, whatever carries the flows. */
export function describeFlowTransport(name: string, create: () => FlowNetwork): void {
  describe(`flow transport: ${name}`, () => {
    let network: FlowNetwork
    let client: { readonly peer: PeerId; readonly transport: FlowTransport }
    let server: { readonly peer: PeerId; readonly transport: FlowTransport }
    let accept: (flow: Duplex, peer: PeerId) => void

    beforeEach(async () => {
      network = create()
      client = await network.join()
      server = await network.join()
      await server.transport.handle((flow, peer) => accept(flow, peer))
    })
    afterEach(() => network.stop())

    /** Both ends of one flow. */
    const flowPair = async (): Promise<{ near: Duplex; far: Duplex }> => {
      const arrived = Promise.withResolvers<Duplex>()
      accept = arrived.resolve
      const near = await client.transport.open(server.peer, limit())
      // A flow may be announced to the other end by its first byte.
      near.write('!')
      const far = await arrived.promise
      await once(far, 'readable')
      expect(String(far.read(1))).toBe('!')
      return { near, far }
    }

    it('tells who opened the flow', async () => {
      const arrived = Promise.withResolvers<PeerId>()
      accept = (flow, peer) => {
        flow.on('error', () => {})
        arrived.resolve(peer)
      }
      const near = await client.transport.open(server.peer, limit())
      near.on('error', () => {})
      near.write('!')
      expect(await arrived.promise).toBe(client.peer)
    })

    it('rejects when the member is not there, and when the signal has aborted', async () => {
      await expect(client.transport.open(fakePeerId(40), limit())).rejects.toThrow()
      await expect(client.transport.open(server.peer, AbortSignal.abort())).rejects.toThrow()
    })

    it('carries bytes exactly, both ways at once, in chunks of any size', async () => {
      const { near, far } = await flowPair()
      const [there, back] = [randomBytes(12 * MIB + 5), randomBytes(7 * MIB + 1)]
      const [gotThere, gotBack] = await Promise.all([
        readAll(far),
        readAll(near),
        pipeline(Readable.from(randomChunks(there)), near),
        pipeline(Readable.from(randomChunks(back)), far),
      ])
      expect(gotThere.equals(there)).toBe(true)
      expect(gotBack.equals(back)).toBe(true)
      await eventually('both ends close', () => near.closed && far.closed)
    })

    it.each(['near', 'far'] as const)('lets %s end its direction and read on', async (first) => {
      const pair = await flowPair()
      const [ending, other] = first === 'near' ? [pair.near, pair.far] : [pair.far, pair.near]
      ending.end('question')
      expect(String(await readAll(other))).toBe('question')
      other.write('an ')
      other.end('answer')
      expect(String(await readAll(ending))).toBe('an answer')
      await eventually('both ends close', () => pair.near.closed && pair.far.closed)
      expect([pair.near.errored, pair.far.errored]).toEqual([null, null])
    })

    it('hands over what came before the end to a reader that starts late', async () => {
      const { near, far } = await flowPair()
      const bytes = randomBytes(200_000)
      near.end(bytes)
      far.end()
      await eventually('the writer is done', () => near.writableFinished)
      expect((await readAll(far)).equals(bytes)).toBe(true)
    })

    it.each(['near', 'far'] as const)(
      'shows a reset by %s as an error and never as an end',
      async (first) => {
        const pair = await flowPair()
        const [resetting, other] = first === 'near' ? [pair.near, pair.far] : [pair.far, pair.near]
        const seen = follow(other)
        follow(resetting)
        resetting.write('half of')
        await eventually('the first bytes arrive', () => seen.bytes > 0)
        resetting.destroy(new Error('reset'))
        await eventually('the other end closes', () => seen.closed)
        expect(seen).toMatchObject({ ended: false, failed: true })
      },
    )

    it('shows a reset after one direction has ended', async () => {
      const { near, far } = await flowPair()
      const [atNear, atFar] = [follow(near), follow(far)]
      near.end('question')
      await eventually('the end arrives', () => atFar.ended)
      far.write('half of')
      await eventually('the answer begins', () => atNear.bytes > 0)
      far.destroy(new Error('reset'))
      await eventually('the other end closes', () => atNear.closed)
      expect(atNear).toMatchObject({ ended: false, failed: true })
    })

    it('shows a lost connection as an error at both ends and never as an end', async () => {
      const { near, far } = await flowPair()
      const [atNear, atFar] = [follow(near), follow(far)]
      near.write('half of')
      await eventually('the first bytes arrive', () => atFar.bytes > 0)
      network.sever(client.peer, server.peer)
      await eventually('both ends close', () => atNear.closed && atFar.closed)
      expect(atNear).toMatchObject({ ended: false, failed: true })
      expect(atFar).toMatchObject({ ended: false, failed: true })
    })

    it('makes a writer wait for a reader that has stopped, at 16 MiB or less', async () => {
      const { near, far } = await flowPair()
      follow(near)
      far.on('error', () => {})
      const chunk = Buffer.alloc(64 * 1024, 7)
      let accepted = 0
      const fill = (): void => {
        while (accepted < 64 * MIB && near.write(chunk)) accepted += chunk.length
        accepted += chunk.length
      }
      near.on('drain', fill)
      fill()
      await stalled(() => accepted)
      expect(accepted).toBeLessThan(16 * MIB)
    })

    it('carries 200 flows at once, each its own bytes', async () => {
      accept = (flow) => void pipeline(flow, flow).catch(() => {})
      const payload = randomBytes(100_000)
      const echoes = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const flow = await client.transport.open(server.peer, limit())
          const own = Buffer.concat([Buffer.from(`${index}:`), payload])
          flow.end(own)
          return (await readAll(flow)).equals(own)
        }),
      )
      expect(echoes.filter((isExact) => isExact)).toHaveLength(200)
    })
  })
}

async function readAll(flow: Duplex): Promise<Buffer> {
  const parts: Buffer[] = []
  // Not `for await`: leaving that loop destroys the flow, and with it the other direction.
  flow.on('data', (part: Buffer) => parts.push(part))
  if (!flow.readableEnded) await once(flow, 'end')
  return Buffer.concat(parts)
}

function follow(flow: Duplex) {
  const seen = { bytes: 0, ended: false, failed: false, closed: false }
  flow.on('data', (part: Buffer) => {
    seen.bytes += part.length
  })
  flow.on('end', () => {
    seen.ended = true
  })
  flow.on('error', () => {
    seen.failed = true
  })
  // `flow.closed` is true a turn before the events that say why.
  flow.on('close', () => {
    seen.closed = true
  })
  return seen
}
