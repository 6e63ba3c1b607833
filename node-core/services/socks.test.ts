import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { freePort } from '../../tests/helpers/http-site.ts'
import type { MeshNode } from '../../tests/helpers/service-mesh.ts'
import {
  announces,
  createServiceScene,
  OTHER,
  type ServiceScene,
  WEB,
  warnings,
} from '../../tests/helpers/service-scene.ts'
import { openSocks, socksConnect, socksSay } from '../../tests/helpers/socks-client.ts'
import { connectTcp } from '../../tests/helpers/tcp-ends.ts'
import type { ServicesOptions } from './services.ts'

let scene: ServiceScene

beforeEach(() => {
  scene = createServiceScene()
})
afterEach(() => scene.stop())

const consumerWithSocks = async (options: Partial<ServicesOptions> = {}) => {
  const node = await scene.mesh.add('consumer', options)
  const { port } = await node.services.socks(0)
  return { node, port }
}
const reasonsOf = (node: MeshNode): unknown[] =>
  node.log.filter(({ level }) => level === 'warn').map(({ reason }) => reason)

describe('a SOCKS5 client', () => {
  it('reaches a service by its name, whatever the port and the case', async () => {
    await scene.provide('provider')
    const { node, port } = await consumerWithSocks()
    for (const [name, asked] of [
      ['web.mesh', 80],
      ['WEB.MESH.', 443],
      ['web.provider.mesh', 0],
    ] as const) {
      expect(await socksConnect(port, name, asked)).toEqual({ reply: 0, greeting: 'provider' })
    }
    expect(node.services.socksPorts()[0]).toMatchObject({ port, state: 'listening', host: '127.0.0.1' })
    await eventually('all are done with', () => node.services.flows().length === 0)
    expect(node.services.socksPorts()[0]?.tally).toMatchObject({ carried: 3, open: 0, failed: 0 })
  })

  it('may say all that it has to say at once', async () => {
    await scene.provide('provider')
    const { port } = await consumerWithSocks()
    const client = await openSocks(port)
    client.end([5, 1, 0], [5, 1, 0, 3, 8, ...Buffer.from('web.mesh'), 0, 80], [...Buffer.from('early bytes')])
    const answer = await client.all()
    expect(answer.subarray(0, 2)).toEqual(Buffer.from([5, 0]))
    expect(answer.subarray(12).toString()).toBe('providerearly bytes')
  })

  it('is understood however its bytes are cut', async () => {
    await scene.provide('provider')
    const { port } = await consumerWithSocks()
    const client = await openSocks(port)
    for (const byte of [5, 1, 0]) await client.say([byte])
    await client.read(2)
    for (const byte of [5, 1, 0, 3, 8, ...Buffer.from('web.mesh'), 0, 80]) await client.say([byte])
    expect((await client.read(10))[1]).toBe(0)
    expect((await client.read(8)).toString()).toBe('provider')
    client.close()
  })

  it('gets a provider that lives when the first one dies, and a pinned one or none', async () => {
    const { node: first } = await scene.provide('first')
    await scene.provide('second')
    const { port } = await consumerWithSocks()
    await first.services.stop()
    for (let turn = 0; turn < 4; turn++) {
      expect(await socksConnect(port, 'web.mesh')).toEqual({ reply: 0, greeting: 'second' })
    }
    expect(await socksConnect(port, 'web.first.mesh')).toMatchObject({ reply: 4 })
  })

  it('sees a reset, not an end, when its provider breaks off', async () => {
    const { site } = await scene.provide('provider')
    const { port } = await consumerWithSocks()
    const client = await openSocks(port)
    await client.say([5, 1, 0], [5, 1, 0, 3, 8, ...Buffer.from('web.mesh'), 0, 80])
    await client.read(2 + 10 + 8)
    ;(await site.next()).socket.resetAndDestroy()
    await expect(client.all()).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('what is not in the mesh', () => {
  const request = (command: number, ...rest: number[]): number[] => [5, command, 0, ...rest]
  const name = (text: string): number[] => [3, text.length, ...Buffer.from(text), 0, 80]

  it.each([
    ['a name of the internet', request(1, ...name('example.com')), 2, 'example.com'],
    ['a name that only ends alike', request(1, ...name('evilmesh')), 2, 'evilmesh'],
    ['a name with a port of this machine', request(1, ...name('localhost')), 2, 'localhost'],
    ['an IPv4 address', request(1, 1, 127, 0, 0, 1, 0, 80), 8, '127.0.0.1'],
    ['an IPv6 address', request(1, 4, ...Array(15).fill(0), 1, 0, 80), 8, '0:0:0:0:0:0:0:1'],
    ['an address written as a name', request(1, ...name('127.0.0.1')), 8, '127.0.0.1'],
    ['an IPv6 address written as a name', request(1, ...name('[::1]')), 8, '[::1]'],
    ['a name that is none', request(1, ...name('a.b.c.mesh')), 4, 'a.b.c.mesh'],
    ['a name with a terminal sequence in it', request(1, ...name('\u001b[2J.mesh')), 4, 'not printable'],
    ['a service that nobody has', request(1, ...name('nothing.mesh')), 4, "announces 'nothing'"],
    ['a node that nobody is', request(1, ...name('web.nobody.mesh')), 4, "called 'nobody'"],
    ['BIND', request(2, ...name('web.mesh')), 7, 'bind'],
    ['UDP ASSOCIATE', request(3, 1, 0, 0, 0, 0, 0, 0), 7, 'udp-associate'],
    ['another kind of address', request(1, 9, 0), 8, 'kind of address'],
    ['a malformed request', [5, 1, 7, 3], 1, 'malformed'],
  ])('is refused, with a line in the log: %s', async (_what, bytes, reply, said) => {
    await scene.provide('provider')
    const { node, port } = await consumerWithSocks()
    const client = await openSocks(port)
    await client.say([5, 1, 0], bytes)
    const answer = await client.all()
    expect([...answer]).toEqual([5, 0, 5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
    await eventually('it is written', () => reasonsOf(node).length > 0)
    expect(reasonsOf(node)).toEqual([expect.stringContaining(said)])
    expect(node.services.socksPorts()[0]?.tally).toMatchObject({ carried: 0, failed: 1 })
  })

  it('is refused with what the policy said', async () => {
    await scene.provide('provider')
    const { port } = await consumerWithSocks()
    scene.mesh.rules.mayUse = () => ({ allow: false, rule: 'nobody' })
    expect(await socksConnect(port, 'web.mesh')).toMatchObject({ reply: 2 })
    scene.mesh.rules.mayUse = () => ({ allow: true })
    scene.mesh.rules.mayProvide = () => ({ allow: false })
    expect(await socksConnect(port, 'web.mesh')).toMatchObject({ reply: 2 })
    expect(await socksConnect(port, 'web.provider.mesh')).toMatchObject({ reply: 2 })
  })

  it('is told that the target takes no connections', async () => {
    const provider = await scene.mesh.add('provider')
    await provider.services.expose({ name: WEB, target: `127.0.0.1:${await freePort()}` })
    await announces(provider, true)
    const { port } = await consumerWithSocks()
    expect(await socksConnect(port, 'web.mesh')).toMatchObject({ reply: 5 })
  })

  it('is one line for a thousand names', async () => {
    const { node, port } = await consumerWithSocks()
    for (let index = 0; index < 30; index++) await socksConnect(port, `host-${index}.example.com`)
    expect(warnings(node)).toHaveLength(1)
    expect(node.services.socksPorts()[0]?.tally.failed).toBe(30)
  })
})

describe('a client that does not behave', () => {
  it('is refused when it wants to authenticate', async () => {
    const { node, port } = await consumerWithSocks()
    expect([...(await socksSay(port, [5, 1, 2]))]).toEqual([5, 0xff])
    expect(reasonsOf(node)).toEqual([expect.stringContaining('authenticate')])
  })

  it.each([
    ['HTTP', [...Buffer.from('GET http://web.mesh/ HTTP/1.1\r\n\r\n')]],
    ['SOCKS4', [4, 1, 0, 80, 127, 0, 0, 1, 0]],
  ])('is reset without a word when it speaks %s', async (_what, bytes) => {
    const { port } = await consumerWithSocks()
    await expect(socksSay(port, bytes)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it.each([
    ['nothing', []],
    ['half a greeting', [5, 9]],
    ['half a request', [5, 1, 0, 5, 1]],
  ])('is reset after its time when it says %s', async (_what, bytes) => {
    const { node, port } = await consumerWithSocks({ headerTimeoutMs: 60 })
    await expect(socksSay(port, bytes)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await eventually('its place is free', () => node.services.socksPorts()[0]?.tally.failed === 1)
  })

  it('does not keep a node from stopping, at whatever point it is', async () => {
    const { node, port } = await consumerWithSocks({ headerTimeoutMs: 60_000 })
    const clients = await Promise.all([openSocks(port), openSocks(port), openSocks(port)])
    await clients[1]?.say([5, 1, 0])
    await clients[2]?.say([5, 1, 0], [5, 1])
    await node.services.stop()
    await Promise.all(
      clients.map((client) => expect(client.all()).rejects.toMatchObject({ code: 'ECONNRESET' })),
    )
  })
})

describe('a SOCKS5 port', () => {
  it('is there once, survives a restart with the port that was chosen, and can be removed', async () => {
    const { node, port } = await consumerWithSocks()
    expect(await node.services.socks(port)).toMatchObject({ port })
    expect(node.services.socksPorts()).toHaveLength(1)
    await node.services.stop()
    await node.services.start()
    expect(node.services.socksPorts()).toMatchObject([{ port, state: 'listening' }])
    const client = await connectTcp(port)
    expect(node.services.unsocks(port)).toMatchObject({ port })
    await eventually('its client is told', () => client.seen.closed)
    await expect(connectTcp(port)).rejects.toThrow('ECONNREFUSED')
    expect(node.store.socks.list()).toEqual([])
    expect(() => node.services.unsocks(port)).toThrow(
      expect.objectContaining({ fault: { code: 'SOCKS_NOT_FOUND', port } }),
    )
  })

  it('and a forward do not share a number', async () => {
    const { node, port } = await consumerWithSocks()
    await expect(node.services.forward({ port, service: OTHER })).rejects.toMatchObject({
      fault: { code: 'SOCKS_EXISTS', port },
    })
    const forward = await node.services.forward({ port: 0, service: OTHER })
    await expect(node.services.socks(forward.port)).rejects.toMatchObject({
      fault: { code: 'FORWARD_EXISTS', port: forward.port },
    })
  })

  it('is limited in number', async () => {
    const node = await scene.mesh.add('greedy')
    for (let index = 0; index < 16; index++) await node.services.socks(0)
    await expect(node.services.socks(0)).rejects.toMatchObject({ fault: { code: 'TOO_MANY_SOCKS' } })
    await expect(node.services.socks(65_536)).rejects.toMatchObject({ fault: { code: 'BAD_PORT' } })
  })
})
