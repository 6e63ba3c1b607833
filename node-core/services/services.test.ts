import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { FLOW_NETWORKS, type FlowNetwork } from '../../tests/helpers/flow-networks.ts'
import { createServiceMesh, type MeshNode, type ServiceMesh } from '../../tests/helpers/service-mesh.ts'
import { stalled } from '../../tests/helpers/streams.ts'
import {
  connectTcp,
  sendAll,
  sha256,
  startTcpTarget,
  type TcpEnd,
  type TcpTarget,
} from '../../tests/helpers/tcp-ends.ts'
import type { ServiceName } from '../domain/ids.ts'

const MIB = 1024 * 1024
const WEB = 'web' as ServiceName

describe.each(FLOW_NETWORKS)('a forwarded connection, %s', (_name, createNetwork) => {
  let network: FlowNetwork
  let mesh: ServiceMesh
  let consumer: MeshNode
  let provider: MeshNode
  let target: TcpTarget
  let port: number

  beforeEach(async () => {
    network = createNetwork()
    mesh = createServiceMesh(network)
    provider = await mesh.add('provider')
    consumer = await mesh.add('consumer')
    target = await startTcpTarget()
    await provider.services.expose({ name: WEB, target: target.target })
    await eventually('the service is announced', () => provider.announced.length === 1)
    port = (await consumer.services.forward({ port: 0, service: WEB })).port
  })
  afterEach(async () => {
    await mesh.stop()
    await target.close()
  })

  /** Both ends of one connection through the mesh, after a first byte each way. */
  const through = async (): Promise<{ client: TcpEnd; server: TcpEnd }> => {
    const client = await connectTcp(port)
    client.socket.write('?')
    const server = await target.next()
    await eventually('the first byte arrives', () => server.seen.bytes === 1)
    server.socket.write('!')
    await eventually('the first answer arrives', () => client.seen.bytes === 1)
    return { client, server }
  }
  const noFlows = (): boolean => mesh.nodes.every(({ services }) => services.flows().length === 0)

  it('is byte-exact both ways at once, whatever the sizes of the pieces', async () => {
    const client = await connectTcp(port)
    const server = await target.next()
    const [there, back] = [randomBytes(40 * MIB + 11), randomBytes(24 * MIB + 3)]
    await Promise.all([sendAll(client, there), sendAll(server, back)])
    await eventually('both ends close', () => client.seen.closed && server.seen.closed, 15_000)
    expect(server.seen).toMatchObject({ bytes: there.length, ended: true, error: undefined })
    expect(client.seen).toMatchObject({ bytes: back.length, ended: true, error: undefined })
    expect(server.digest()).toBe(sha256(there))
    expect(client.digest()).toBe(sha256(back))
    await eventually('no flow is left', noFlows)
    const tally = {
      open: 0,
      carried: 1,
      failed: 0,
      toProviderBytes: there.length,
      toClientBytes: back.length,
    }
    expect(consumer.services.forwards()[0]?.tally).toMatchObject(tally)
    expect(provider.services.services()[0]?.tally).toMatchObject(tally)
  })

  it('delivers the first bytes that a client sends before the provider has answered', async () => {
    const client = await connectTcp(port)
    const bytes = randomBytes(150_000)
    client.socket.end(bytes)
    const server = await target.next()
    await eventually('all of it arrives', () => server.seen.ended)
    expect(server.digest()).toBe(sha256(bytes))
    server.socket.end()
    await eventually('it is over', () => client.seen.closed)
    expect(client.seen).toMatchObject({ ended: true, error: undefined })
  })

  it.each(['client', 'server'] as const)('goes on one way after %s has ended the other', async (first) => {
    const ends = await through()
    const [ending, other] = first === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
    ending.socket.end('last words')
    await eventually('the end arrives', () => other.seen.ended)
    expect(other.seen).toMatchObject({ bytes: 11, error: undefined, closed: false })
    const bytes = randomBytes(3 * MIB)
    await sendAll(other, bytes)
    await eventually('both ends close', () => ending.seen.closed && other.seen.closed)
    expect(ending.seen).toMatchObject({ bytes: bytes.length + 1, ended: true, error: undefined })
    expect(other.seen.error).toBeUndefined()
    await eventually('no flow is left', noFlows)
  })

  it('carries a connection on which nobody says a word', async () => {
    const client = await connectTcp(port)
    const server = await target.next()
    server.socket.end()
    await eventually('the end arrives', () => client.seen.ended)
    client.socket.end()
    await eventually('both ends close', () => client.seen.closed && server.seen.closed)
    expect([client.seen.error, server.seen.error]).toEqual([undefined, undefined])
  })

  describe.each(['client', 'server'] as const)('when %s resets', (who) => {
    it.each([
      'while idle',
      'in the middle of a transfer',
      'after it has ended its own direction',
      'after the other end has ended',
    ] as const)('%s, the other end is reset and never sees an end that nobody made', async (when) => {
      const ends = await through()
      const [resetting, other] = who === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
      const wasEnded = when === 'after it has ended its own direction'
      if (when === 'in the middle of a transfer') {
        resetting.socket.write(randomBytes(8 * MIB))
        await eventually('bytes arrive', () => other.seen.bytes > 64 * 1024)
      }
      if (wasEnded) {
        resetting.socket.end('done')
        await eventually('the end arrives', () => other.seen.ended)
      }
      if (when === 'after the other end has ended') {
        other.socket.end('done')
        await eventually('the end arrives', () => resetting.seen.ended)
      }
      resetting.socket.resetAndDestroy()
      await eventually('the other end closes', () => {
        // Node stops looking at a socket that has read an end: it learns of a reset by its next write.
        if (wasEnded) other.socket.write('more')
        return other.seen.closed
      })
      expect(other.seen).toMatchObject({ ended: wasEnded, error: expect.stringMatching(/ECONNRESET|EPIPE/) })
      await eventually('no flow is left', noFlows)
      expect(consumer.services.forwards()[0]?.tally).toMatchObject({ open: 0, failed: 1 })
    })
  })

  it('is reset at both ends when the connection between the nodes is lost', async () => {
    const { client, server } = await through()
    client.socket.write(randomBytes(4 * MIB))
    network.sever(consumer.peer, provider.peer)
    await eventually('both ends close', () => client.seen.closed && server.seen.closed)
    expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    expect(server.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    await eventually('no flow is left', noFlows)
  })

  it.each(['consumer', 'provider'] as const)('is reset at both ends when the %s stops', async (who) => {
    const { client, server } = await through()
    await (who === 'consumer' ? consumer : provider).services.stop()
    await eventually('both ends close', () => client.seen.closed && server.seen.closed)
    expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    expect(server.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
  })

  it.each(['client', 'server'] as const)('makes %s wait for a reader that has stopped', async (who) => {
    const ends = await through()
    const [writer, reader] = who === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
    reader.hold()
    const piece = randomBytes(256 * 1024)
    let written = 0
    const fill = (): void => {
      do written += piece.length
      while (writer.socket.write(piece))
    }
    writer.socket.on('drain', fill)
    fill()
    // Both nodes live in this process: what they hold together, and what the kernel holds of three connections.
    const held = await stalled(() => written)
    expect(held).toBeLessThan(32 * MIB)
    const nodesHold = held - reader.seen.bytes
    writer.socket.off('drain', fill)
    writer.socket.end()
    reader.release()
    await eventually('all of it arrives', () => reader.seen.ended)
    expect(nodesHold).toBeGreaterThan(0)
    expect(reader.seen).toMatchObject({ bytes: written + 1, error: undefined })
  })

  it.each(['client', 'server'] as const)(
    'lets what %s wrote last arrive after both have ended',
    async (who) => {
      const ends = await through()
      const [writer, reader] = who === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
      reader.hold()
      reader.socket.end()
      await eventually('the end arrives', () => writer.seen.ended)
      const bytes = randomBytes(24 * MIB)
      const sent = sendAll(writer, bytes)
      await stalled(() => writer.socket.bytesWritten)
      // Slower than everything else, so that all buffers on the way are full when the ends of the flow close.
      reader.socket.on('data', () => {
        reader.hold()
        setTimeout(reader.release, 1)
      })
      reader.release()
      await sent
      await eventually('all of it arrives', () => reader.seen.closed, 15_000)
      expect(reader.seen).toMatchObject({ bytes: bytes.length + 1, ended: true, error: undefined })
    },
  )

  it('runs 200 at once, each with its own bytes', async () => {
    const bytes = Array.from({ length: 200 }, () => randomBytes(100_000))
    const echo = await startTcpTarget(({ socket }) => socket.pipe(socket))
    await provider.services.expose({ name: WEB, target: echo.target })
    const exact = await Promise.all(
      bytes.map(async (own) => {
        const client = await connectTcp(port)
        await sendAll(client, own)
        await eventually('it is over', () => client.seen.closed, 15_000)
        return client.seen.ended && client.digest() === sha256(own)
      }),
    )
    expect(exact.filter((isExact) => isExact)).toHaveLength(200)
    await eventually('no flow is left', noFlows)
    await echo.close()
  })
})
