import type { Duplex } from 'node:stream'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import {
  type HopChain,
  type HopChainOptions,
  type HopNode,
  startChain,
} from '../../../tests/helpers/hop-chain.ts'
import { stalled } from '../../../tests/helpers/streams.ts'
import type { PeerId } from '../../domain/ids.ts'
import { FlowCarrier } from './flow-carrier.ts'
import { adoptHop, type Hop, ROUTE_PROTOCOL } from './hop-opener.ts'
import { decodeReply, encodeHeader, encodeReply, type RouteReply } from './route-header.ts'
import { readSetupFrame, writeSetupFrame } from './setup-frames.ts'

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

const partsOf = ({ host, membership, peer }: HopNode) => ({ streams: host, membership, self: peer })

/** Sends a header of one's own making to a neighbour. */
async function ask(
  from: HopNode,
  to: HopNode,
  header: Uint8Array,
): Promise<{ hop: Hop; reply: RouteReply | undefined }> {
  const hop = adoptHop(partsOf(from), await from.host.open(to.peer, ROUTE_PROTOCOL, limit()))
  writeSetupFrame(hop.flow, header)
  return { hop, reply: decodeReply(await readSetupFrame(hop.flow, limit())) }
}

/** Serves the route protocol at a node in its own way. */
async function misbehave(node: HopNode, act: (hop: Hop) => unknown): Promise<void> {
  await node.routed.stop()
  await node.host.handle(ROUTE_PROTOCOL, (stream) => {
    act(adoptHop(partsOf(node), stream))
  })
}
const sayOpen = async ({ flow }: Hop): Promise<void> => {
  await readSetupFrame(flow, limit())
  writeSetupFrame(flow, encodeReply({ kind: 'open' }))
}
const refusal = (code: string, at: PeerId) => ({
  fault: { code: 'ROUTE_REFUSED', refusal: { code, at } },
})

describe('opening a route', () => {
  it('is refused at home when the path has nine hops, a loop, or no hop between', async () => {
    const { node, path } = await chain(10)
    const { routed, peer } = node(0)
    await expect(routed.open(path(0, 9), limit())).rejects.toMatchObject(refusal('TOO_LONG', peer))
    expect((await routed.open(path(0, 8), limit())).peer).toBe(node(8).peer)
    const [first, second] = [node(1).peer, node(2).peer]
    for (const loop of [
      [first, second, first],
      [first, peer],
    ]) {
      await expect(routed.open(loop, limit())).rejects.toMatchObject(refusal('LOOP', peer))
    }
    await expect(routed.open([first], limit())).rejects.toMatchObject(refusal('MALFORMED', peer))
  })

  it('is refused by the next hop when the opener does not check the path', async () => {
    const { node, path } = await chain(4)
    const [self, ...rest] = [node(0).peer, ...path(0, 3)]
    const stranger = mesh?.world.identity().peerId as PeerId
    const strangers = Array.from({ length: 7 }, () => mesh?.world.identity().peerId as PeerId)
    const cases: readonly (readonly [code: string, path: readonly PeerId[], at?: number])[] = [
      ['TOO_LONG', [self, ...rest.slice(0, 2), ...strangers]],
      ['LOOP', [self, ...rest, node(1).peer]],
      ['LOOP', [self, ...rest, self]],
      ['MISROUTED', [self, ...rest.slice(1)]],
      ['MISROUTED', [stranger, ...rest]],
      ['MISROUTED', [stranger, self, node(2).peer], 1],
    ]
    for (const [code, path, at = 1] of cases) {
      const { reply } = await ask(node(0), node(1), encodeHeader({ path, at }))
      expect(reply).toEqual({ kind: 'refused', refusal: { code, at: node(1).peer } })
    }
    const { reply } = await ask(node(0), node(1), Uint8Array.of(0xa0))
    expect(reply).toEqual({ kind: 'refused', refusal: { code: 'MALFORMED', at: node(1).peer } })
    expect(node(1).routed.stats().refused).toMatchObject({ TOO_LONG: 1, LOOP: 2, MISROUTED: 3, MALFORMED: 1 })
  })

  it('says where there is no link that is up', async () => {
    const { node, path } = await chain(4)
    const { routed, peer } = node(0)
    await expect(routed.open([node(2).peer, node(3).peer], limit())).rejects.toMatchObject(
      refusal('NO_LINK', peer),
    )
    await expect(routed.open([node(1).peer, node(3).peer], limit())).rejects.toMatchObject(
      refusal('NO_LINK', node(1).peer),
    )
    node(2).downLinks.add(node(3).peer)
    await expect(routed.open(path(0, 3), limit())).rejects.toMatchObject(refusal('NO_LINK', node(2).peer))
    expect(node(1).host.peers()).not.toContain(node(3).peer)
  })

  it('says who does not answer', async () => {
    const { node, path } = await chain(4)
    await misbehave(node(3), () => undefined)
    await expect(node(0).routed.open(path(0, 3), limit())).rejects.toMatchObject(
      refusal('UNREACHABLE', node(3).peer),
    )
    await misbehave(node(2), ({ flow }) => flow.destroy())
    await expect(node(0).routed.open(path(0, 3), limit())).rejects.toMatchObject(
      refusal('UNREACHABLE', node(2).peer),
    )
  })

  it('ends with its signal, at every hop', async () => {
    const { node, path } = await chain(4)
    const arrived = Promise.withResolvers<Hop>()
    await misbehave(node(3), arrived.resolve)
    const abort = new AbortController()
    const opening = node(0).routed.open(path(0, 3), abort.signal)
    const { flow } = await arrived.promise
    abort.abort()
    await expect(opening).rejects.toMatchObject({ fault: { code: 'ABORTED' } })
    await eventually('the last hop is reset', () => flow.destroyed)
  })

  it('is denied by the policy, and by a certificate without transit, at home and on the way', async () => {
    const { node, path, setPolicy } = await chain(4, { grants: { 2: { transit: false } } })
    const full = [node(0).peer, ...path(0, 3)]
    await expect(node(0).routed.open(path(0, 3), limit())).rejects.toMatchObject(
      refusal('DENIED', node(0).peer),
    )
    const careless = await ask(node(1), node(2), encodeHeader({ path: full, at: 2 }))
    expect(careless.reply).toEqual({ kind: 'refused', refusal: { code: 'DENIED', at: node(2).peer } })
    // Nor does an end take what came through a node that may not carry it.
    const forwarded = await ask(node(2), node(3), encodeHeader({ path: full, at: 3 }))
    expect(forwarded.reply).toEqual({ kind: 'refused', refusal: { code: 'DENIED', at: node(3).peer } })
    setPolicy('version: 1\nrules: []\n')
    await eventually('the policy is known', () => node(1).membership.policy().rules.length === 0)
    await expect(node(0).routed.open(path(0, 2), limit())).rejects.toMatchObject(
      refusal('DENIED', node(1).peer),
    )
  })

  it('believes a refusal only about nodes that the route leads to', async () => {
    const { node, path } = await chain(3)
    await misbehave(node(1), async ({ flow }) => {
      await readSetupFrame(flow, limit())
      const lie = { code: 'DENIED', at: node(0).peer } as const
      writeSetupFrame(flow, encodeReply({ kind: 'refused', refusal: lie }))
    })
    await expect(node(0).routed.open(path(0, 2), limit())).rejects.toMatchObject(
      refusal('DENIED', node(1).peer),
    )
  })
})

describe('a liar', () => {
  it('does not become the far end by answering in its place', async () => {
    const { node, path } = await chain(3)
    const liar = node(1)
    const outcome = Promise.withResolvers<unknown>()
    await misbehave(liar, async (hop) => {
      await sayOpen(hop)
      const remoteAddr = multiaddr(`/memory/${node(0).peer}`)
      const carrier = new FlowCarrier(hop.flow, {
        remoteAddr,
        direction: 'inbound',
        log: hop.stream.log,
        frameBytes: 65_507,
      })
      liar.host.upgrades.upgrade(carrier, 'inbound', limit()).then(outcome.resolve, outcome.resolve)
    })
    await expect(node(0).routed.open(path(0, 2), limit())).rejects.toMatchObject({
      fault: { code: 'ROUTE_END_REFUSED', peer: node(2).peer },
    })
    expect(await outcome.promise).toBeInstanceOf(Error)
    expect(node(0).routed.all()).toEqual([])
  })

  it('does not become the source by naming another', async () => {
    const { node, path } = await chain(3)
    const [liar, victim] = [node(1), node(2)]
    const { hop, reply } = await ask(
      liar,
      victim,
      encodeHeader({ path: [node(0).peer, ...path(0, 2)], at: 2 }),
    )
    expect(reply).toEqual({ kind: 'open' })
    const remoteAddr = multiaddr(`/memory/${victim.peer}/p2p/${victim.peer}`)
    const carrier = new FlowCarrier(hop.flow, {
      remoteAddr,
      direction: 'outbound',
      log: hop.stream.log,
      frameBytes: 65_507,
    })
    // Its own handshake is a good one, but the route names somebody else.
    await liar.host.upgrades.upgrade(carrier, 'outbound', limit()).catch(() => undefined)
    await eventually('the victim cuts it', () => hop.flow.destroyed)
    expect(victim.routed.all()).toEqual([])
    expect(victim.host.peers()).toEqual([liar.peer])
  })

  it('gets no further allowance by naming other sources, and costs the others none', async () => {
    const { node, link, path, world } = await chain(4, { limits: { openBurst: 6, opensPerSecond: 0.01 } })
    await link(3, 1)
    const codes: string[] = []
    for (let index = 0; index < 12; index++) {
      const source = world.identity().peerId
      const header = encodeHeader({ path: [source, node(0).peer, node(1).peer, node(2).peer], at: 2 })
      const { hop, reply } = await ask(node(0), node(1), header)
      codes.push(reply?.kind === 'refused' ? reply.refusal.code : (reply?.kind ?? 'nothing'))
      hop.flow.destroy()
    }
    expect(codes).toEqual([...Array(3).fill('open'), ...Array(9).fill('OVERLOADED')])
    const [, second] = path(0, 2)
    const other = await node(3).routed.open([node(1).peer, second as PeerId], limit())
    expect(other.peer).toBe(node(2).peer)
    expect(
      node(1)
        .routed.stats()
        .transit.map(({ peer }) => peer),
    ).toEqual([node(0).peer, node(3).peer])
  })
})

describe('a transit node', () => {
  /** Opens a route whose far end takes nothing, and writes until nothing moves. */
  async function fillRoute({ node, path }: HopChain): Promise<{ near: Duplex; far: Duplex; sent: number }> {
    const arrived = Promise.withResolvers<Duplex>()
    await misbehave(node(2), async (hop) => {
      await sayOpen(hop)
      arrived.resolve(hop.flow)
    })
    const header = encodeHeader({ path: [node(0).peer, ...path(0, 2)], at: 1 })
    const { hop } = await ask(node(0), node(1), header)
    const near = hop.flow
    let sent = 0
    const chunk = Buffer.alloc(64 * 1024, 7)
    const more = (): void => {
      do sent += chunk.length
      while (!near.destroyed && near.write(chunk) && sent < 200 * MIB)
    }
    near.on('drain', more)
    more()
    const far = await arrived.promise
    await stalled(() => sent)
    near.off('drain', more)
    return { near, far, sent }
  }

  it('holds at most 16 MiB for a far end that takes nothing, and loses none of it', async () => {
    const { near, far, sent } = await fillRoute(await chain(3))
    const [account] = mesh?.node(1).routed.stats().transit ?? []
    // All that is on its way, in three processes' worth of buffers and in the sockets.
    expect(sent).toBeLessThan(16 * MIB)
    expect(account?.bufferedBytes).toBeGreaterThan(256 * 1024)
    expect(account?.bufferedBytes).toBeLessThan(sent)
    near.end()
    let received = 0
    for await (const part of far) received += part.length
    expect(received).toBe(sent)
  })

  it('cuts the fattest route of a previous hop that holds more than its share', async () => {
    const limits = { maxBufferedBytesPerHop: MIB }
    const { near } = await fillRoute(await chain(3, { limits }))
    await eventually('the route is cut', () => near.destroyed)
    await eventually('nothing is held', () =>
      (mesh?.node(1).routed.stats().transit ?? []).every(({ bufferedBytes }) => bufferedBytes === 0),
    )
  })

  it('carries no more routes for a previous hop than its limit, and takes new ones when old ones end', async () => {
    const { node, path } = await chain(3, { limits: { maxRoutesPerHop: 4 } })
    const open = () => node(0).routed.open(path(0, 2), limit())
    const first = await open()
    await open()
    await expect(open()).rejects.toMatchObject(refusal('OVERLOADED', node(1).peer))
    await first.close('test')
    await eventually('the place is free', () => node(1).routed.stats().transit[0]?.routes === 1)
    expect((await open()).isOpen).toBe(true)
  })
})
