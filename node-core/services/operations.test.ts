import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { connect, createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { createMemoryNetwork, type FlowNetwork } from '../../tests/helpers/flow-networks.ts'
import { freePort, startHttpSite } from '../../tests/helpers/http-site.ts'
import { createServiceMesh, type MeshNode, type ServiceMesh } from '../../tests/helpers/service-mesh.ts'
import {
  connectTcp,
  followSocket,
  sha256,
  startTcpTarget,
  type TcpEnd,
  type TcpTarget,
} from '../../tests/helpers/tcp-ends.ts'
import type { NodeName, ServiceName } from '../domain/ids.ts'
import { hasCode } from '../platform/error.ts'
import { decodeFlowReply, encodeFlowRequest, parseFrame } from './flow-header.ts'

const WEB = 'web' as ServiceName
const OTHER = 'other' as ServiceName

let network: FlowNetwork
let mesh: ServiceMesh
const targets: TcpTarget[] = []

beforeEach(() => {
  network = createMemoryNetwork()
  mesh = createServiceMesh(network)
})
afterEach(async () => {
  await mesh.stop()
  await Promise.all(targets.splice(0).map((target) => target.close()))
})

/** A target that answers with its name and then echoes. */
async function target(greeting = 'hello'): Promise<TcpTarget> {
  const made = await startTcpTarget(({ socket }) => {
    socket.write(greeting)
    socket.pipe(socket)
  })
  targets.push(made)
  return made
}
const announces = (node: MeshNode, healthy: boolean) =>
  eventually(`${node.name} announces ${healthy ? 'a healthy' : 'an unhealthy'} service`, () =>
    node.announced.some((service) => service.healthy === healthy),
  )
async function provide(name: string, check?: string): Promise<{ node: MeshNode; site: TcpTarget }> {
  const node = await mesh.add(name)
  const site = await target(name)
  await node.services.expose({ name: WEB, target: site.target, check })
  await announces(node, true)
  return { node, site }
}
const forwardTo = async (node: MeshNode, pinned?: MeshNode | string): Promise<number> => {
  const ref = typeof pinned === 'string' ? (pinned as NodeName) : pinned?.name
  return (await node.services.forward({ port: 0, service: WEB, node: ref })).port
}
/** What a new client gets to read first, or the code with which it was broken off. */
async function greetingAt(port: number): Promise<string> {
  // Not `connectTcp`: a client may be reset before it knows that it is connected.
  const client = followSocket(connect({ host: '127.0.0.1', port, allowHalfOpen: true }))
  const first = new Promise<string>((resolve) => client.socket.once('data', (part) => resolve(String(part))))
  const ended = eventually('the client is told', () => client.seen.closed, 10_000).then(
    () => client.seen.error ?? 'ended',
  )
  const result = await Promise.race([first, ended])
  client.socket.destroy()
  await ended
  return result
}
const warnings = (node: MeshNode): string[] =>
  node.log.filter(({ level }) => level === 'warn').map((line) => JSON.stringify(line))

describe('exposing', () => {
  it.each(['nonsense', '127.0.0.1', '127.0.0.1:0', '/run/control.sock:1'])(
    'refuses the target %j',
    async (raw) => {
      const node = await mesh.add('node')
      const error = await node.services.expose({ name: WEB, target: raw }).catch((caught: unknown) => caught)
      expect(hasCode(error, 'BAD_TARGET') && error.hint).toContain('127.0.0.1:8080')
      expect(node.store.services.list()).toEqual([])
    },
  )

  it('refuses a check that it does not know', async () => {
    const node = await mesh.add('node')
    await expect(
      node.services.expose({ name: WEB, target: '127.0.0.1:1', check: 'ping' }),
    ).rejects.toMatchObject({ fault: { code: 'BAD_CHECK', check: 'ping' } })
  })

  it('refuses the ports of the node itself, when it is asked and when a flow comes', async () => {
    const { node, site } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    node.ownPorts = [site.port]
    await expect(
      node.services.expose({ name: OTHER, target: `localhost:${site.port}` }),
    ).rejects.toMatchObject({
      fault: { code: 'BAD_TARGET', why: 'own-port' },
    })
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(node).join()).toContain('a port of the node itself')
  })

  it('lists the service with its state, and forgets it when it is unexposed', async () => {
    const node = await mesh.add('provider')
    const site = await target()
    const view = await node.services.expose({ name: WEB, target: site.target, check: 'tcp' })
    expect(view).toMatchObject({
      name: WEB,
      local: true,
      node: 'provider',
      target: site.target,
      check: 'tcp',
    })
    await eventually('the check has ended', () => node.services.services()[0]?.state === 'healthy')
    node.services.unexpose(WEB)
    expect(node.services.services()).toEqual([])
    expect(node.store.services.list()).toEqual([])
    await eventually('it is withdrawn', () => node.announced.length === 0)
    expect(() => node.services.unexpose(WEB)).toThrow(
      expect.objectContaining({ fault: { code: 'SERVICE_NOT_FOUND', service: WEB } }),
    )
  })

  it('replaces the target of a service that exists', async () => {
    const { node } = await provide('provider')
    const port = await forwardTo(await mesh.add('consumer'))
    expect(await greetingAt(port)).toBe('provider')
    const second = await target('second')
    await node.services.expose({ name: WEB, target: second.target })
    expect(await greetingAt(port)).toBe('second')
    expect(node.services.services()).toHaveLength(1)
  })

  it('says of a service of another member what that member announces', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const remote = () => consumer.services.services()[0]
    expect(remote()).toMatchObject({
      name: WEB,
      node: 'provider',
      local: false,
      target: undefined,
      state: 'healthy',
    })
    network.sever(consumer.peer, node.peer)
    expect(remote()).toMatchObject({ state: 'unknown', detail: 'the node is not reachable' })
    mesh.rules.mayProvide = () => ({ allow: false, rule: 'only-servers' })
    expect(remote()?.detail).toContain("'only-servers'")
  })
})

describe('forwarding', () => {
  it('says that a port is in use, by whom, and what to do', async () => {
    const node = await mesh.add('node')
    const busy = createServer().listen(0, '127.0.0.1')
    await once(busy, 'listening')
    const address = busy.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const error = await node.services.forward({ port, service: WEB }).catch((caught: unknown) => caught)
    expect(hasCode(error, 'PORT_IN_USE') && error.hint).toContain('another port')
    expect(node.store.forwards.list()).toEqual([])
    busy.close()

    const own = await node.services.forward({ port: 0, service: WEB })
    await expect(node.services.forward({ port: own.port, service: OTHER })).rejects.toMatchObject({
      fault: { code: 'FORWARD_EXISTS', service: WEB },
    })
    expect(await node.services.forward({ port: own.port, service: WEB })).toMatchObject({ port: own.port })
    expect(node.services.forwards()).toHaveLength(1)
  })

  it('takes one of two equal requests that come at once', async () => {
    const node = await mesh.add('node')
    const port = await freePort()
    const results = await Promise.allSettled([
      node.services.forward({ port, service: WEB }),
      node.services.forward({ port, service: OTHER }),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(node.services.forwards()).toHaveLength(1)
  })

  it.each([-1, 65_536, 1.5, Number.NaN])('refuses the port %d', async (port) => {
    const node = await mesh.add('node')
    await expect(node.services.forward({ port, service: WEB })).rejects.toMatchObject({
      fault: { code: 'BAD_PORT' },
    })
  })

  it('refuses to listen on what is not an address of this machine', async () => {
    const node = await mesh.add('node')
    const at = (host: string) => node.services.forward({ port: 0, service: WEB, host })
    await expect(at('localhost')).rejects.toMatchObject({ fault: { code: 'BAD_LISTEN_HOST' } })
    await expect(at('192.0.2.1')).rejects.toMatchObject({ fault: { code: 'LISTEN_FAILED' } })
  })

  it('listens on the loopback alone unless told otherwise', async () => {
    const node = await mesh.add('node')
    expect(await node.services.forward({ port: 0, service: WEB })).toMatchObject({
      host: '127.0.0.1',
      state: 'listening',
    })
  })

  it('stops listening and ends its connections when it is removed', async () => {
    await provide('provider')
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    const client = await connectTcp(port)
    await eventually('it is connected', () => client.seen.bytes > 0)
    expect(consumer.services.unforward(port)).toMatchObject({ port, service: WEB })
    await eventually('the client is told', () => client.seen.closed)
    expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    await expect(connectTcp(port)).rejects.toThrow('ECONNREFUSED')
    expect(consumer.store.forwards.list()).toEqual([])
    expect(() => consumer.services.unforward(port)).toThrow(
      expect.objectContaining({ fault: { code: 'FORWARD_NOT_FOUND', port } }),
    )
  })

  it('reaches a service of its own node', async () => {
    const { node } = await provide('provider')
    expect(await greetingAt(await forwardTo(node))).toBe('provider')
    expect(await greetingAt(await forwardTo(node, node))).toBe('provider')
  })
})

describe('choosing a provider', () => {
  it('resets the client and says why when nobody provides the service', async () => {
    const consumer = await mesh.add('consumer')
    expect(await greetingAt(await forwardTo(consumer))).toBe('ECONNRESET')
    expect(await greetingAt(await forwardTo(consumer, 'nobody'))).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain("no member announces 'web'")
    expect(warnings(consumer).join()).toContain("no member is called 'nobody'")
    expect(consumer.services.forwards()[0]).toMatchObject({
      detail: "no member announces 'web'",
      tally: { failed: 1 },
    })
  })

  it('resets the client when the target is dead, tells why at both nodes, and not where it is', async () => {
    const { node, site } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    await site.close()
    expect(await greetingAt(port)).toBe('ECONNRESET')
    const atConsumer = warnings(consumer).join()
    expect(atConsumer).toContain('TARGET_REFUSED')
    expect(atConsumer).not.toContain(site.target)
    expect(warnings(node).join()).toMatch(/TARGET_REFUSED.*ECONNREFUSED/)
    expect(node.services.services()[0]).toMatchObject({
      detail: expect.stringContaining('ECONNREFUSED'),
      tally: { failed: 1, carried: 0, open: 0 },
    })
  })

  it('reaches a target that starts later', async () => {
    const provider = await mesh.add('provider')
    const consumer = await mesh.add('consumer')
    const later = await freePort()
    await provider.services.expose({ name: WEB, target: `127.0.0.1:${later}`, check: 'tcp' })
    const port = await forwardTo(consumer)
    await eventually(
      'the first check has ended',
      () => provider.services.services()[0]?.state === 'unhealthy',
    )
    await announces(provider, false)
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain('not healthy')
    targets.push(await startTcpTarget(({ socket }) => void socket.end('here'), later))
    await announces(provider, true)
    expect(await greetingAt(port)).toBe('here')
  })

  it('turns new flows to another provider when one dies, and back to a healthy one', async () => {
    const [first, second] = [await provide('first', 'tcp'), await provide('second', 'tcp')]
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    expect(['first', 'second']).toContain(await greetingAt(port))
    await first.site.close()
    // At once, before any check has noticed.
    for (let index = 0; index < 5; index++) expect(await greetingAt(port)).toBe('second')
    await announces(first.node, false)
    network.sever(consumer.peer, second.node.peer)
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toMatch(/first: its own check.*second: it is not reachable/)
    targets.push(await startTcpTarget(({ socket }) => void socket.end('again'), first.site.port))
    await announces(first.node, true)
    expect(await greetingAt(port)).toBe('again')
  })

  it('ends the flow with a reset when its provider dies, and gives the next client another one', async () => {
    await Promise.all([provide('first'), provide('second')])
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    const client = await connectTcp(port)
    await eventually('it is connected', () => client.seen.bytes > 0)
    const used = mesh.nodes.find(({ peer }) => peer === consumer.services.flows()[0]?.peer) as MeshNode
    network.sever(consumer.peer, used.peer)
    await eventually('the client is told', () => client.seen.closed)
    expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    expect(await greetingAt(port)).toBe(used.name === 'first' ? 'second' : 'first')
  })

  it('uses a pinned node alone', async () => {
    const [first, second] = [await provide('first'), await provide('second')]
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer, first.node)
    const byPeerId = await consumer.services.forward({ port: 0, service: WEB, node: second.node.peer })
    for (let index = 0; index < 5; index++) expect(await greetingAt(port)).toBe('first')
    expect(await greetingAt(byPeerId.port)).toBe('second')
    await first.site.close()
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(consumer.services.forwards().find((forward) => forward.port === port)).toMatchObject({
      node: 'first',
    })
  })

  it('gives up on a provider that takes the flow and says nothing, and tries the next', async () => {
    const silent = await network.join()
    await silent.transport.handle((flow) => void flow.on('error', () => {}))
    mesh.phantoms.push({ service: WEB, peer: silent.peer, node: 'silent' as NodeName })
    await provide('second')
    const consumer = await mesh.add('consumer', { attemptTimeoutMs: 100 })
    const port = await forwardTo(consumer)
    for (let index = 0; index < 6; index++) expect(await greetingAt(port)).toBe('second')
    const pinned = await consumer.services.forward({ port: 0, service: WEB, node: silent.peer })
    expect(await greetingAt(pinned.port)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain('took longer than 100 ms')
  })
})

describe('policy', () => {
  it('denies by default, with nothing said about what exists', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    mesh.rules.mayUse = () => ({ allow: false })
    for (const service of [WEB, OTHER]) {
      const flow = await openRaw(consumer, node, encodeFlowRequest({ service }))
      expect(await replyOf(flow)).toMatchObject({ kind: 'refused', code: 'DENIED' })
    }
    expect(warnings(node).join()).toMatch(/DENIED.*no rule of the policy/)
  })

  it('names the rule that denies', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    mesh.rules.mayUse = () => ({ allow: false, rule: 'no-guests' })
    expect(await greetingAt(await forwardTo(consumer))).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain("DENIED, the rule 'no-guests'")
    expect(warnings(node).join()).toContain(consumer.peer)
  })

  it('is asked again for every flow', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    expect(await greetingAt(port)).toBe('provider')
    mesh.rules.standing = (peer) => (peer === consumer.peer ? 'revoked' : 'member')
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(node).join()).toContain('revoked')
  })

  it('lets the consumer refuse a provider that its certificate does not entitle', async () => {
    const [first, second] = [await provide('first'), await provide('second')]
    const consumer = await mesh.add('consumer')
    mesh.rules.mayProvide = (peer) => ({ allow: peer !== first.node.peer, rule: 'servers' })
    const [any, pinned] = [await forwardTo(consumer), await forwardTo(consumer, first.node)]
    for (let index = 0; index < 5; index++) expect(await greetingAt(any)).toBe('second')
    expect(await greetingAt(pinned)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain("'servers' of the policy forbids it to provide")
    mesh.rules.standing = (peer) => (peer === second.node.peer ? 'expired' : 'member')
    expect(await greetingAt(any)).toBe('ECONNRESET')
  })

  it.each(['use', 'provide'] as const)(
    'ends open flows that a new policy does not allow to %s',
    async (side) => {
      const { node } = await provide('provider')
      const consumer = await mesh.add('consumer')
      const client = await connectTcp(await forwardTo(consumer))
      await eventually('it is connected', () => client.seen.bytes > 0)
      for (const { services } of mesh.nodes) services.recheck()
      client.socket.write('still here')
      await eventually('it is echoed', () => client.seen.bytes === 'provider'.length + 10)
      if (side === 'use') mesh.rules.mayUse = () => ({ allow: false })
      else mesh.rules.mayProvide = () => ({ allow: false })
      ;(side === 'use' ? node : consumer).services.recheck()
      await eventually('the client is told', () => client.seen.closed)
      expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    },
  )
})

describe('what a member can do to a provider', () => {
  it('learns that there is no such service', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const flow = await openRaw(consumer, node, encodeFlowRequest({ service: OTHER }))
    expect(await replyOf(flow)).toMatchObject({ code: 'NO_SUCH_SERVICE' })
  })

  it('learns that its version is not spoken', async () => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    expect(await replyOf(await openRaw(consumer, node, Uint8Array.of(7, 1, 1)))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    })
  })

  it.each([
    ['sends what is no header', Uint8Array.of(1, 0)],
    ['sends a header that is no request', Uint8Array.of(1, 1, 0xa0)],
    ['asks for a name that is none', Uint8Array.of(1, 11, 0xa1, 0x67, ...Buffer.from('service'), 0x61, 0x2e)],
  ])('is reset when it %s', async (_what, bytes) => {
    const { node } = await provide('provider')
    const consumer = await mesh.add('consumer')
    const flow = await openRaw(consumer, node, bytes)
    expect(await replyOf(flow)).toBeUndefined()
    await eventually('it is reset', () => flow.destroyed)
  })

  it('is reset when it says nothing, and its place is free again', async () => {
    const provider = await mesh.add('provider', { headerTimeoutMs: 50, maxFlowsPerPeer: 1 })
    const site = await target('provider')
    await provider.services.expose({ name: WEB, target: site.target })
    await announces(provider, true)
    const consumer = await mesh.add('consumer')
    const silent = await openRaw(consumer, provider, new Uint8Array())
    const next = await openRaw(consumer, provider, encodeFlowRequest({ service: WEB }))
    expect(await replyOf(next)).toMatchObject({ code: 'OVERLOADED' })
    await eventually('the silent one is reset', () => silent.destroyed)
    expect(await greetingAt(await forwardTo(consumer))).toBe('provider')
  })

  it('cannot take the places of the others', async () => {
    const provider = await mesh.add('provider', { maxFlowsPerPeer: 3 })
    const site = await target('provider')
    await provider.services.expose({ name: WEB, target: site.target })
    await announces(provider, true)
    const [greedy, modest] = [await mesh.add('greedy'), await mesh.add('modest')]
    const port = await forwardTo(greedy)
    const held: TcpEnd[] = []
    for (let index = 0; index < 3; index++) held.push(await connectTcp(port))
    await eventually('all are connected', () => held.every(({ seen }) => seen.bytes > 0))
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(greedy).join()).toContain('OVERLOADED')
    expect(await greetingAt(await forwardTo(modest))).toBe('provider')
    held[0]?.socket.destroy()
    await eventually('a place is free', () => provider.services.flows().length === 2)
    expect(await greetingAt(port)).toBe('provider')
    for (const { socket } of held) socket.destroy()
  })

  it('cannot keep a target connecting after it has gone', async () => {
    const provider = await mesh.add('provider', { connectTimeoutMs: 60_000 })
    await provider.services.expose({ name: WEB, target: '192.0.2.1:9' })
    const consumer = await mesh.add('consumer')
    const flow = await openRaw(consumer, provider, encodeFlowRequest({ service: WEB }))
    flow.destroy()
    await eventually('no flow is left', () => provider.services.flows().length === 0)
  })
})

describe('the limits of a consumer', () => {
  it('resets clients beyond the number of flows that it may carry', async () => {
    await provide('provider')
    const consumer = await mesh.add('consumer', { maxFlows: 2 })
    const port = await forwardTo(consumer)
    const held = [await connectTcp(port), await connectTcp(port)]
    await eventually('both are connected', () => held.every(({ seen }) => seen.bytes > 0))
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(consumer.services.forwards()[0]).toMatchObject({ detail: 'too many flows at once' })
    for (const { socket } of held) socket.destroy()
  })

  it('writes one line for many clients that fail for one reason', async () => {
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    for (let index = 0; index < 20; index++) expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(consumer)).toHaveLength(1)
    expect(consumer.services.forwards()[0]?.tally.failed).toBe(20)
  })

  it('gives up looking for a provider when the client goes', async () => {
    const silent = await mesh.add('silent', { connectTimeoutMs: 60_000 })
    await silent.services.expose({ name: WEB, target: '192.0.2.1:9' })
    await announces(silent, true)
    const consumer = await mesh.add('consumer', { attemptTimeoutMs: 60_000 })
    const client = await connectTcp(await forwardTo(consumer))
    await eventually('the provider is asked', () => silent.services.flows().length === 1)
    client.socket.resetAndDestroy()
    await eventually('the provider is let go', () => silent.services.flows().length === 0)
  })
})

describe('a restart', () => {
  it('brings back services and forwards, with the port that was chosen', async () => {
    const { node: provider, site } = await provide('provider', 'tcp')
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer, provider)
    await Promise.all([provider.services.stop(), consumer.services.stop()])
    await expect(connectTcp(port)).rejects.toThrow('ECONNREFUSED')

    const again = createServiceMesh(createMemoryNetwork())
    const providerAgain = await again.add('provider', {}, provider.store)
    const consumerAgain = await again.add('consumer', {}, consumer.store)
    expect(providerAgain.services.services()[0]).toMatchObject({
      name: WEB,
      target: site.target,
      check: 'tcp',
    })
    expect(consumerAgain.services.forwards()[0]).toMatchObject({
      port,
      service: WEB,
      node: 'provider',
      state: 'listening',
    })
    await announces(providerAgain, true)
    expect(await greetingAt(port)).toBe('provider')
    await again.stop()
  })

  it('starts though a port is taken, says so, and has the port once it is free', async () => {
    const consumer = await mesh.add('consumer')
    const port = await forwardTo(consumer)
    await consumer.services.stop()
    const busy = createServer().listen(port, '127.0.0.1')
    await once(busy, 'listening')
    await consumer.services.start()
    expect(consumer.services.forwards()[0]).toMatchObject({
      port,
      state: 'failed',
      detail: expect.stringContaining('in use'),
    })
    busy.close()
    await eventually('it listens', () => consumer.services.forwards()[0]?.state === 'listening', 10_000)
    expect(consumer.services.forwards()[0]?.detail).toBeUndefined()
  })

  it('can be stopped twice and refuses work while stopped', async () => {
    const { node } = await provide('provider')
    await node.services.stop()
    await node.services.stop()
    await expect(node.services.expose({ name: OTHER, target: '127.0.0.1:1' })).rejects.toMatchObject({
      fault: { code: 'SERVICES_STOPPED' },
    })
    await expect(node.services.forward({ port: 0, service: WEB })).rejects.toMatchObject({
      fault: { code: 'SERVICES_STOPPED' },
    })
    expect(node.store.forwards.list()).toEqual([])
  })
})

describe('health', () => {
  it('withdraws a service whose check fails, says why, and offers it again', async () => {
    let status = 200
    const server = createHttp((_request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const at = typeof address === 'object' && address !== null ? address.port : 0
    const node = await mesh.add('provider')
    await node.services.expose({ name: WEB, target: `127.0.0.1:${at}`, check: 'http:/ready' })
    await announces(node, true)
    status = 503
    await announces(node, false)
    expect(node.services.services()[0]).toMatchObject({
      state: 'unhealthy',
      detail: expect.stringContaining('503'),
    })
    expect(warnings(node).join()).toContain('GET /ready gave 503')
    status = 204
    await announces(node, true)
    server.close()
  })

  it('serves a real site byte for byte', async () => {
    const site = await startHttpSite(3_000_000)
    const node = await mesh.add('provider')
    const consumer = await mesh.add('consumer')
    await node.services.expose({ name: WEB, target: site.target, check: 'http:/' })
    await announces(node, true)
    const port = await forwardTo(consumer)
    const response = await fetch(`http://127.0.0.1:${port}${site.path}`)
    const body = Buffer.from(await response.arrayBuffer())
    expect(sha256(body)).toBe(site.sha256)
    await site.close()
  })
})

/** A flow to a node as a member of its own making opens it. */
async function openRaw(from: MeshNode, to: MeshNode, bytes: Uint8Array): Promise<Duplex> {
  const flow = await network.transportOf(from.peer).open(to.peer, AbortSignal.timeout(5_000))
  flow.on('error', () => {})
  if (bytes.length > 0) flow.write(bytes)
  return flow
}

async function replyOf(flow: Duplex) {
  const parts: Buffer[] = []
  flow.on('data', (part: Buffer) => parts.push(part))
  await eventually('there is an answer', () => flow.destroyed || flow.readableEnded || parts.length > 0)
  const frame = parseFrame(Buffer.concat(parts))
  return frame.kind === 'frame' ? decodeFlowReply(frame.body) : undefined
}
