import { once } from 'node:events'
import net from 'node:net'
import type { Stream } from '@libp2p/interface'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import {
  dialAddresses,
  openAdmission,
  startTestHost,
  type TestHost,
} from '../../../tests/helpers/mesh-hosts.ts'
import type { PeerId } from '../../domain/ids.ts'
import { createMeshNoise, createPublishedNoise } from '../../noise-hfs/noise-hfs.ts'
import { createMessageFrames } from './message-frames.ts'

const hosts: TestHost[] = []
const start = async (...args: Parameters<typeof startTestHost>): Promise<TestHost> => {
  const host = await startTestHost(...args)
  hosts.push(host)
  return host
}
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(({ host }) => host.stop()))
})
const limit = () => AbortSignal.timeout(5_000)
const PROTOCOL = '/x0t/test/1'

async function linkedPair(): Promise<[TestHost, TestHost]> {
  const [a, b] = [await start(), await start()]
  await a.host.dial(dialAddresses(b.host), limit())
  await eventually('both know the connection', () => b.host.peers().length === 1)
  return [a, b]
}

describe('host', () => {
  it('connects two nodes and carries a stream with the authenticated peer on both sides', async () => {
    const [a, b] = await linkedPair()
    let from: PeerId | undefined
    await b.host.handle(PROTOCOL, (stream, peer) => {
      from = peer
      const frames = createMessageFrames(stream, { maxFrameBytes: 100 })
      void frames.read().then((frame) => frames.write(frame ?? new Uint8Array()))
    })
    const stream = await a.host.open(b.host.peerId, PROTOCOL, limit())
    const frames = createMessageFrames(stream, { maxFrameBytes: 100 })
    await frames.write(Uint8Array.of(1, 2, 3))
    expect(await frames.read(limit())).toEqual(Uint8Array.of(1, 2, 3))
    expect(from).toBe(a.host.peerId)
    expect(a.host.connections.of(b.host.peerId)?.direction).toBe('outbound')
    expect(a.host.connections.of(b.host.peerId)?.suite).toBe('/x0t/noise-hfs/1/aesgcm')
    expect(a.host.connections.of(b.host.peerId)?.receivedBytes()).toBeGreaterThan(0)
  })

  it('keeps its port over a restart on the bound address', async () => {
    const a = await start()
    const bound = a.host.listenAddresses()
    expect(bound[0]).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d+$/)
    await a.host.stop()
    const again = await start({ listen: bound })
    expect(again.host.listenAddresses()).toEqual(bound)
  })

  it('reports a taken port as a fault', async () => {
    const a = await start()
    await expect(startTestHost({ listen: a.host.listenAddresses() })).rejects.toMatchObject({
      fault: { code: 'LISTEN_FAILED' },
    })
  })

  it('keeps the same connection at both ends when both dial at once', async () => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = [await start(), await start()]
      await Promise.allSettled([
        a.host.dial(dialAddresses(b.host), limit()),
        b.host.dial(dialAddresses(a.host), limit()),
      ])
      const [low, high] = a.host.peerId < b.host.peerId ? [a, b] : [b, a]
      await eventually('one connection is left', () => {
        const atLow = low.host.connections.of(high.host.peerId)
        const atHigh = high.host.connections.of(low.host.peerId)
        return atLow !== undefined && atHigh !== undefined && atLow.direction !== atHigh.direction
      })
      expect(low.host.connections.of(high.host.peerId)?.libp2p.status).toBe('open')
      expect(high.host.connections.of(low.host.peerId)?.libp2p.status).toBe('open')
    }
  })

  it('closes the connection of an expelled peer at once, and refuses it new ones', async () => {
    const [a, b] = await linkedPair()
    const closed: PeerId[] = []
    a.host.onDisconnect((peer) => closed.push(peer))
    a.membership.expel(b.host.peerId)
    await eventually('both ends see it close', () => a.host.peers().length + b.host.peers().length === 0)
    expect(closed).toEqual([b.host.peerId])
    await b.host.dial(dialAddresses(a.host), limit()).catch(() => undefined)
    await eventually('the new connection is closed too', () => b.host.peers().length === 0)
    expect(a.host.peers()).toEqual([])
  })

  it('looks at the standing again for each stream, in both directions', async () => {
    const [a, b] = await linkedPair()
    let served = 0
    await b.host.handle(PROTOCOL, () => served++)
    a.membership.set(b.host.peerId, 'expired')
    await expect(a.host.open(b.host.peerId, PROTOCOL, limit())).rejects.toMatchObject({
      fault: { code: 'PEER_REFUSED', standing: 'expired' },
    })
    await eventually('the connection is closed', () => b.host.peers().length === 0)

    const [c, d] = await linkedPair()
    await d.host.handle(PROTOCOL, () => served++)
    d.membership.set(c.host.peerId, 'revoked')
    const stream = await c.host.open(d.host.peerId, PROTOCOL, limit()).catch(() => undefined)
    await eventually('the stream is gone', () => stream === undefined || stream.status !== 'open')
    await eventually('the connection is closed', () => c.host.peers().length === 0)
    expect(served).toBe(0)
  })

  it('says which protocol a peer does not speak and which peer is not connected', async () => {
    const [a, b] = await linkedPair()
    await expect(a.host.open(b.host.peerId, '/x0t/none/1', limit())).rejects.toMatchObject({
      fault: { code: 'PROTOCOL_UNSUPPORTED', protocol: '/x0t/none/1' },
    })
    const stranger = await start()
    await expect(a.host.open(stranger.host.peerId, PROTOCOL, limit())).rejects.toMatchObject({
      fault: { code: 'PEER_NOT_CONNECTED' },
    })
  })

  it('resets open streams when it stops, so that nobody takes the rest for an end', async () => {
    const [a, b] = await linkedPair()
    const inbound: Stream[] = []
    await b.host.handle(PROTOCOL, (stream) => inbound.push(stream))
    await a.host.open(b.host.peerId, PROTOCOL, limit())
    await eventually('the stream arrives', () => inbound.length === 1)
    const stream = inbound[0] as Stream
    let halfClosed = false
    stream.addEventListener('remoteCloseWrite', () => {
      halfClosed = true
    })
    await a.host.stop()
    await eventually('the stream ends', () => stream.status !== 'open')
    expect(halfClosed).toBe(false)
  })

  it('refuses to be made with a handshake that is not ours', async () => {
    const { gate } = createMeshNoise({ admission: openAdmission })
    const noise = { gate, encrypters: createPublishedNoise().encrypters }
    await expect(startTestHost({ noise })).rejects.toThrow('/noise-mlkem768-hfs')
  })

  it('lets an honest peer in while silent sockets come in crowds', async () => {
    const [a, b] = [await start(), await start()]
    const [, , , , port] = a.host.listenAddresses()[0]?.split('/') ?? []
    const sockets = Array.from({ length: 600 }, () => {
      const socket = net.connect(Number(port), '127.0.0.1')
      socket.on('error', () => undefined)
      return socket
    })
    await Promise.all(sockets.slice(0, 100).map((socket) => once(socket, 'connect')))
    await b.host.dial(dialAddresses(a.host), limit())
    await eventually('the peer is connected', () => a.host.peers().length === 1)
    for (const socket of sockets) socket.destroy()
  })

  it('fails a dial to a port where nobody listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    server.close()
    const [a, b] = [await start(), await start()]
    await expect(
      a.host.dial([`/ip4/127.0.0.1/tcp/${port}/p2p/${b.host.peerId}`], limit()),
    ).rejects.toMatchObject({ fault: { code: 'DIAL_FAILED' } })
  })
})
