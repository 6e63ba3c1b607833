import { once } from 'node:events'
import net from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { dialAddresses, startTestHost, type TestHost } from '../../../tests/helpers/mesh-hosts.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { LinkState } from '../../domain/link.ts'
import { systemClock } from '../../platform/clock.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { createFlows } from '../flows/flows.ts'
import type { Host } from '../host/host.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import { createLinks, type Links, type LinksOptions } from './link-manager.ts'
import { decodeProbe, encodeProbe, MAX_PROBE_BYTES, NO_PING } from './probe-codec.ts'
import { BUSY_INTERVAL_MS, IDLE_INTERVAL_MS } from './rhythm.ts'

interface Node {
  readonly host: Host
  readonly links: Links
  readonly states: { peer: PeerId; to: LinkState; reason: string; atMs: number }[]
  readonly book: ReturnType<typeof createBook>
}

const stops: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})

function createBook() {
  const records = new Map<PeerId, readonly string[]>()
  const events = createEmitter<{ memberChanged: { peer: PeerId } }>((error) => {
    throw error
  })
  return {
    events,
    members: () =>
      [...records].map(([peer, addresses]) => ({ peer, standing: 'member' as const, record: { addresses } })),
    set(peer: PeerId, addresses: readonly string[]) {
      records.set(peer, addresses)
      events.emit('memberChanged', { peer })
    },
  }
}

async function startNode(
  options: LinksOptions = {},
  hostOptions: Parameters<typeof startTestHost>[0] = {},
): Promise<Node> {
  const { host }: TestHost = await startTestHost(hostOptions)
  const book = createBook()
  const links = createLinks(
    {
      clock: hostOptions.clock ?? systemClock,
      random: systemRandom,
      logger: silentLogger,
      host,
      membership: book,
    },
    options,
  )
  const states: Node['states'] = []
  links.events.on('stateChanged', ({ peer, to, reason }) =>
    states.push({ peer, to, reason, atMs: performance.now() }),
  )
  await links.start()
  stops.push(async () => {
    await links.stop()
    await host.stop()
  })
  return { host, links, states, book }
}

const stateOf = (node: Node, other: Node): LinkState | undefined =>
  node.links.links().find(({ peer }) => peer === other.host.peerId)?.state

const rttOf = (node: Node, other: Node): number | undefined =>
  node.links.links().find(({ peer }) => peer === other.host.peerId)?.rttMs

/** Forwards to a port; `hold` stops reading and writing at both sides without closing anything, as a dead network does. */
async function startProxy(targetPort: number) {
  const sockets = new Set<net.Socket>()
  let isHolding = false
  const server = net.createServer((near) => {
    const far = net.connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      if (isHolding) from.pause()
      else from.on('data', (bytes) => to.write(bytes))
      // A dead network tells neither end that the other has given up.
      const passOnTheEnd = (): void => void (isHolding || to.destroy())
      from.on('error', passOnTheEnd)
      from.on('close', passOnTheEnd)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stops.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    address: `/ip4/127.0.0.1/tcp/${(server.address() as net.AddressInfo).port}`,
    hold() {
      isHolding = true
      for (const socket of sockets) {
        socket.removeAllListeners('data')
        socket.pause()
      }
    },
    release() {
      isHolding = false
      for (const socket of sockets) socket.destroy()
    },
  }
}
const portOf = (host: Host): number => Number(host.listenAddresses()[0]?.split('/')[4])

describe('links', () => {
  it('link two members that know each other from the address book, and measure the way', async () => {
    const [a, b] = [await startNode(), await startNode()]
    a.book.set(b.host.peerId, b.host.listenAddresses())
    b.book.set(a.host.peerId, a.host.listenAddresses())
    await eventually('both links are measured', () => rttOf(a, b) !== undefined && rttOf(b, a) !== undefined)
    const [view] = a.links.links()
    expect(view).toMatchObject({ state: 'up', suite: '/x0t/noise-hfs/1/aesgcm', lossEstimate: 0 })
    expect(view?.rttMs).toBeLessThan(100)
    expect(Math.abs(view?.clockOffsetMs ?? Number.NaN)).toBeLessThan(50)
    const { rttMs } = await a.links.ping(b.host.peerId, AbortSignal.timeout(2_000))
    expect(rttMs).toBeGreaterThan(0)
    expect(rttMs).toBeLessThan(500)
  })

  it('are made anew beside the old connection when they are to have fresh keys, without a moment of being down', async () => {
    const b = await startNode()
    const a = await startNode({ peers: b.host.listenAddresses().map((at) => `${at}/p2p/${b.host.peerId}`) })
    await eventually('the link is measured', () => rttOf(a, b) !== undefined && rttOf(b, a) !== undefined)
    const before = a.host.connections.of(b.host.peerId)?.id
    expect(await a.links.renew(b.host.peerId, AbortSignal.timeout(5_000))).toBe(true)
    expect(a.host.connections.of(b.host.peerId)?.id).not.toBe(before)
    await eventually(
      'the new one is measured at both ends',
      () => rttOf(a, b) !== undefined && rttOf(b, a) !== undefined,
    )
    await expect(b.links.renew(a.host.peerId, AbortSignal.timeout(5_000))).rejects.toMatchObject({
      fault: { code: 'NO_ADDRESS' },
    })
    expect([a.links.calm(60_000), a.links.calm(60_000)]).toEqual([true, false])
  })

  it('are answered at once when the other end is under traffic and this one is not', async () => {
    const node = await startNode()
    const { host: other } = await startTestHost()
    stops.push(() => other.stop())
    await other.dial(dialAddresses(node.host), AbortSignal.timeout(10_000))
    const stream = await other.open(node.host.peerId, '/x0t/probe/1', AbortSignal.timeout(10_000))
    const probes = createMessageFrames(stream, { maxFrameBytes: MAX_PROBE_BYTES })
    const pongsUntil = async (id: number): Promise<readonly number[]> => {
      await probes.write(encodeProbe({ kind: 'ping', id }))
      const pongs: number[] = []
      while (!pongs.includes(id)) {
        const message = decodeProbe((await probes.read()) ?? expect.fail('the probes ended'))
        if (message?.kind === 'pong') pongs.push(message.id)
      }
      return pongs
    }
    const beat = (seq: number, intervalMs: number) =>
      encodeProbe({
        ...{ kind: 'beat', seq, intervalMs, sentAtMs: systemClock.now() },
        ...{ echo: undefined, silentMs: 0, lateShare: 0 },
      })
    // Faster than any rhythm of the node, then as slow as it is at most.
    await probes.write(beat(1, BUSY_INTERVAL_MS / 2))
    expect(await pongsUntil(1)).toEqual([NO_PING, 1])
    await probes.write(beat(2, IDLE_INTERVAL_MS))
    expect(await pongsUntil(2)).toEqual([2])
  })

  it('see a silent peer as suspect within 3 s when idle, then take the link down and redial it', async () => {
    const b = await startNode()
    const proxy = await startProxy(portOf(b.host))
    const a = await startNode({ peers: [`${proxy.address}/p2p/${b.host.peerId}`] })
    await eventually('the link is measured', () => rttOf(a, b) !== undefined)
    await eventually('the link is idle', () => (a.links.links()[0]?.sinceMs ?? 0) > 2_500, 6_000)
    proxy.hold()
    const heldAtMs = performance.now()
    await eventually('suspect', () => stateOf(a, b) === 'suspect', 4_000)
    expect(performance.now() - heldAtMs).toBeLessThan(3_000)
    await eventually('down', () => stateOf(a, b) === 'down', 5_000)
    expect(a.host.peers()).toEqual([])
    expect(a.states.at(-1)?.reason).toMatch(/nothing was heard/)
    proxy.release()
    await eventually('up again', () => stateOf(a, b) === 'up', 10_000)
  }, 30_000)

  it('see a silent peer as suspect well within a second while traffic flows', async () => {
    const b = await startNode()
    const proxy = await startProxy(portOf(b.host))
    const a = await startNode({ peers: [`${proxy.address}/p2p/${b.host.peerId}`] })
    const [flowsA, flowsB] = [createFlows({ streams: a.host }), createFlows({ streams: b.host })]
    await flowsB.handle((flow) => {
      flow.on('error', () => undefined)
      flow.pipe(flow)
    })
    await eventually('linked', () => rttOf(a, b) !== undefined)
    const flow = await flowsA.open(b.host.peerId, AbortSignal.timeout(2_000))
    flow.on('error', () => undefined).resume()
    let lastMs = performance.now()
    let lagMs = 0
    const requests = setInterval(() => {
      lagMs = Math.max(lagMs, performance.now() - lastMs - 20)
      lastMs = performance.now()
      if (!flow.destroyed) flow.write('request')
    }, 20)
    stops.push(() => clearInterval(requests))
    let answered = 0
    flow.on('data', (bytes: Buffer) => {
      answered += bytes.length
    })
    await eventually('traffic has flowed for a while', () => answered > 400)
    proxy.hold()
    const heldAtMs = performance.now()
    await eventually('suspect', () => a.states.some(({ to }) => to === 'suspect'), 5_000)
    // A process that is late itself gives others time for it, up to a bound.
    expect(performance.now() - heldAtMs).toBeLessThan(1_000 + Math.min(1_500, 5 * lagMs))
    await eventually('down', () => stateOf(a, b) === 'down', 5_000)
  }, 20_000)

  it('reconnect at once when the peer is killed and comes back on its port', async () => {
    const [a, b] = [await startNode(), await startNode()]
    a.book.set(b.host.peerId, b.host.listenAddresses())
    await eventually('linked', () => rttOf(a, b) !== undefined)
    const addresses = b.host.listenAddresses()
    await b.links.stop()
    await b.host.stop()
    await eventually('down', () => stateOf(a, b) === 'down')
    expect(a.states.at(-1)?.reason).toBe('the peer stopped')
    expect(await a.links.ping(b.host.peerId, AbortSignal.timeout(100)).catch((error) => error)).toMatchObject(
      {
        fault: { code: 'PEER_NOT_CONNECTED' },
      },
    )
    await b.host.start()
    expect(b.host.listenAddresses()).not.toEqual([])
    a.book.set(b.host.peerId, b.host.listenAddresses())
    await b.links.start()
    await eventually('up again', () => stateOf(a, b) === 'up', 5_000)
    expect(addresses).toHaveLength(1)
  }, 20_000)

  it('join a mesh of six into links from one address each', async () => {
    const nodes = await Promise.all(Array.from({ length: 6 }, () => startNode()))
    for (const node of nodes) {
      for (const other of nodes) {
        if (other !== node) node.book.set(other.host.peerId, other.host.listenAddresses())
      }
    }
    await eventually(
      'everybody is linked with everybody',
      () => nodes.every((node) => node.links.links().filter(({ state }) => state === 'up').length === 5),
      10_000,
    )
    for (const node of nodes) expect(node.host.connections.all()).toHaveLength(5)
  }, 30_000)

  it('connect through an address without a name, and not to this node itself', async () => {
    const b = await startNode()
    const a = await startNode({ peers: b.host.listenAddresses() })
    await eventually('linked', () => a.host.peers().includes(b.host.peerId))
    expect(dialAddresses(a.host)).toHaveLength(1)
  })

  it('say when the addresses of the machine change', async () => {
    const clock = createManualClock()
    let addresses = [{ address: '10.0.0.1', family: 'IPv4' as const, internal: false }]
    const a = await startNode({}, { listen: ['/ip4/0.0.0.0/tcp/0'], interfaces: () => addresses, clock })
    const told: (readonly string[])[] = []
    a.links.events.on('addressesChanged', ({ addresses: now }) => told.push(now))
    clock.advance(20_000)
    expect(told).toEqual([])
    addresses = [{ address: '10.0.0.2', family: 'IPv4' as const, internal: false }]
    clock.advance(6_000)
    expect(told).toHaveLength(1)
    expect(told[0]?.[0]).toMatch(/^\/ip4\/10\.0\.0\.2\/tcp\/\d+$/)
  })

  it('notice that the machine slept', async () => {
    const clock = createManualClock()
    const a = await startNode({}, { clock })
    const slept: number[] = []
    a.links.events.on('woke', ({ sleptMs }) => slept.push(sleptMs))
    clock.advance(10_000)
    expect(slept).toEqual([])
    clock.setWall(clock.now() + 3_600_000)
    clock.advance(100)
    expect(slept).toEqual([3_600_000])
  })
})
