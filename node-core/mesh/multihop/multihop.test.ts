import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type Duplex, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import {
  flowPair,
  type HopChain,
  type HopChainOptions,
  openFlow,
  serveFlows,
  startChain,
} from '../../../tests/helpers/hop-chain.ts'
import { randomChunks } from '../../../tests/helpers/streams.ts'

const MIB = 1024 * 1024
const limit = () => AbortSignal.timeout(10_000)
let mesh: HopChain | undefined
const chain = async (length: number, options?: HopChainOptions): Promise<HopChain> => {
  mesh = await startChain(length, options)
  return mesh
}
afterEach(async () => {
  await mesh?.stop()
  mesh = undefined
})

const read = async (flow: Readable): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of flow) parts.push(part)
  return Buffer.concat(parts)
}
const isClosed = (flow: Duplex) => flow.closed

describe('a routed connection', () => {
  it.each([3, 4, 9])('carries bytes exactly, both ways at once, over a chain of %i', async (length) => {
    const { connect, node } = await chain(length)
    const flows = await flowPair(await connect(0, length - 1), node(length - 1))
    const there = randomBytes(5 * MIB + 17)
    const back = randomBytes(3 * MIB + 3)
    const [, , gotThere, gotBack] = await Promise.all([
      pipeline(Readable.from(randomChunks(there)), flows.near),
      pipeline(Readable.from(randomChunks(back)), flows.far),
      read(flows.far),
      read(flows.near),
    ])
    expect(gotThere.equals(there)).toBe(true)
    expect(gotBack.equals(back)).toBe(true)
  })

  it('says the same of itself at both ends', async () => {
    const { connect, node, path } = await chain(4)
    const { near, far } = await connect(0, 3)
    expect(near).toMatchObject({ peer: node(3).peer, path: path(0, 3), direction: 'outbound', isOpen: true })
    expect(far).toMatchObject({ peer: node(0).peer, path: path(3, 0), direction: 'inbound', isOpen: true })
    expect([near.suite, far.suite]).toEqual(Array(2).fill('/x0t/noise-hfs/1/aesgcm'))
  })

  it.each(['near', 'far'] as const)('lets the %s end of a stream finish first', async (first) => {
    const { connect, node } = await chain(3)
    const flows = await flowPair(await connect(0, 2), node(2))
    const [early, late] = first === 'near' ? [flows.near, flows.far] : [flows.far, flows.near]
    early.end('question')
    expect((await read(late)).toString()).toBe('question')
    late.write('an ')
    late.end('answer')
    expect((await read(early)).toString()).toBe('an answer')
    await eventually('both ends are closed', () => early.closed && late.closed)
  })

  it.each(['near', 'far'] as const)('passes on a reset of the %s end of a stream', async (side) => {
    const { connect, node } = await chain(3)
    const connection = await connect(0, 2)
    const flows = await flowPair(connection, node(2))
    const [from, to] = side === 'near' ? [flows.near, flows.far] : [flows.far, flows.near]
    from.destroy(new Error('enough'))
    const [error] = await once(to, 'error')
    expect(error).toMatchObject({ fault: { code: 'STREAM_CLOSED' } })
    expect(connection.near.isOpen).toBe(true)
  })

  it('runs 200 streams at once, each with its own bytes', async () => {
    const { connect, node } = await chain(3)
    await serveFlows(node(2), (flow) => {
      pipeline(flow, flow).catch(() => undefined)
    })
    const { near } = await connect(0, 2)
    const payload = randomBytes(100_000)
    const results = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const flow = await openFlow(near)
        const own = Buffer.concat([Buffer.from(`${index}:`), payload])
        flow.end(own)
        return (await read(flow)).equals(own)
      }),
    )
    expect(results.filter((isExact) => isExact)).toHaveLength(200)
  })

  it('may exist twice to the same peer, each on a path of its own', async () => {
    const { connect, node, link } = await chain(4)
    await link(0, 2)
    const first = await connect(0, 3)
    const second = await node(0).routed.open([node(2).peer, node(3).peer], limit())
    expect(second.path).not.toEqual(first.near.path)
    await node(0).host.release(node(1).peer, 'test')
    await eventually('the first is closed', () => !first.near.isOpen)
    expect(second.isOpen).toBe(true)
  })
})

describe('the end of a routed connection', () => {
  const breaks: readonly (readonly [string, (mesh: HopChain) => unknown])[] = [
    ['a transit node stops', ({ node }) => node(2).host.stop()],
    ['a link on the way is reset', ({ node }) => node(1).host.drop(node(2).peer, 'test')],
    ['the link at the near end is reset', ({ node }) => node(0).host.drop(node(1).peer, 'test')],
    ['the link at the far end is reset', ({ node }) => node(3).host.drop(node(2).peer, 'test')],
    ['the near end closes it', ({ node }) => node(0).routed.all()[0]?.close('test')],
    ['the far end closes it', ({ node }) => node(3).routed.all()[0]?.close('test')],
    ['the near end aborts it', ({ node }) => node(0).routed.all()[0]?.abort('test')],
    ['the far end stops', ({ node }) => node(3).routed.stop()],
    ['the transport of a transit node stops', ({ node }) => node(1).routed.stop()],
  ]
  it.each(breaks)('comes at both ends when %s, and never looks like the end of a stream', async (_, act) => {
    const started = await chain(4)
    const { connect, node, nodes } = started
    const connection = await connect(0, 3)
    const { near, far } = await flowPair(connection, node(3))
    near.write('half of')
    far.write('half of')
    await Promise.all([once(far, 'data'), once(near, 'data')])
    const ended: unknown[] = []
    for (const flow of [near, far]) flow.on('end', () => ended.push(flow))
    const closed: string[] = []
    connection.near.onClosed(() => closed.push('near'))
    connection.far.onClosed(() => closed.push('far'))
    await act(started)
    await eventually('both ends know', () => closed.length === 2)
    await eventually('the streams are gone', () => [near, far].every(isClosed))
    expect(ended).toEqual([])
    await eventually('nobody holds anything of it', () =>
      nodes.every(({ routed }) => {
        const { transit, connections } = routed.stats()
        return connections === 0 && transit.every(({ routes }) => routes === 0)
      }),
    )
    await expect(connection.near.newStream('/x0t/test/1', limit())).rejects.toThrow()
  })

  it('comes when either end is expelled, or anyone between', async () => {
    for (const expelled of [3, 2, 1]) {
      const { connect, node, stop } = await startChain(4)
      const { near, far } = await connect(0, 3)
      node(0).membership.revoke(node(expelled).peer)
      await eventually(`both ends know that node ${expelled} is expelled`, () => !near.isOpen && !far.isOpen)
      await stop()
    }
  })

  it('comes when a policy forbids the transit that was allowed before', async () => {
    const { connect, node, setPolicy } = await chain(3)
    const { near, far } = await connect(0, 2)
    setPolicy('version: 1\nrules: []\n')
    await eventually('both ends know', () => !near.isOpen && !far.isOpen)
    await eventually(
      'the transit node knows the policy',
      () => node(1).membership.policy().rules.length === 0,
    )
    await expect(node(0).routed.open([node(1).peer, node(2).peer], limit())).rejects.toMatchObject({
      fault: { refusal: { code: 'DENIED', at: node(1).peer } },
    })
  })
})

describe('a routed connection and the host', () => {
  it('leaves the direct connections alone, and they it', async () => {
    const { connect, node, link } = await chain(3)
    const heard: string[] = []
    node(0).host.onConnect((peer) => heard.push(peer))
    const { near } = await connect(0, 2)
    expect(node(0).host.peers()).toEqual([node(1).peer])
    expect(node(2).host.peers()).toEqual([node(1).peer])
    expect(heard).toEqual([])
    node(0).host.drop(node(2).peer, 'there is no link to drop')
    await node(0).host.release(node(2).peer, 'nor to release')
    expect(near.isOpen).toBe(true)
    // The dial is a real one although a connection to the peer exists.
    await link(0, 2)
    expect(heard).toEqual([node(2).peer])
    expect(node(0).host.connections.of(node(2).peer)?.address).toMatch(/^\/ip4\//)
    expect(near.isOpen).toBe(true)
    node(0).host.drop(node(2).peer, 'test')
    await eventually('the link is down', () => !node(0).host.peers().includes(node(2).peer))
    expect(near.isOpen).toBe(true)
  })

  it('reaches no protocol but those that are served to routed connections', async () => {
    const { connect, node } = await chain(3)
    const { near } = await connect(0, 2)
    for (const protocol of ['/x0t/sync/1', '/x0t/route/2', '/x0t/test/1']) {
      await expect(near.newStream(protocol, limit())).rejects.toMatchObject({
        fault: { code: 'PROTOCOL_UNSUPPORTED' },
      })
    }
    let served = 0
    await serveFlows(node(1), () => {
      served += 1
    })
    const direct = await node(0).host.open(node(1).peer, '/x0t/test/1/routed', limit())
    await eventually('a direct stream is reset', () => direct.status !== 'open')
    expect(served).toBe(0)
  })
})
