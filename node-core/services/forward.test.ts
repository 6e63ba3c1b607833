import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { createMemoryNetwork } from '../../tests/helpers/flow-networks.ts'
import { freePort } from '../../tests/helpers/http-site.ts'
import { createServiceMesh } from '../../tests/helpers/service-mesh.ts'
import {
  announces,
  createServiceScene,
  forwardTo,
  greetingAt,
  OTHER,
  type ServiceScene,
  WEB,
  warnings,
} from '../../tests/helpers/service-scene.ts'
import { connectTcp } from '../../tests/helpers/tcp-ends.ts'
import { hasCode } from '../platform/error.ts'

let scene: ServiceScene

beforeEach(() => {
  scene = createServiceScene()
})
afterEach(() => scene.stop())

describe('forwarding', () => {
  it('says that a port is in use, by whom, and what to do', async () => {
    const node = await scene.mesh.add('node')
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
    const node = await scene.mesh.add('node')
    const port = await freePort()
    const results = await Promise.allSettled([
      node.services.forward({ port, service: WEB }),
      node.services.forward({ port, service: OTHER }),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(node.services.forwards()).toHaveLength(1)
  })

  it.each([-1, 65_536, 1.5, Number.NaN])('refuses the port %d', async (port) => {
    const node = await scene.mesh.add('node')
    await expect(node.services.forward({ port, service: WEB })).rejects.toMatchObject({
      fault: { code: 'BAD_PORT' },
    })
  })

  it('refuses to listen on what is not an address of this machine', async () => {
    const node = await scene.mesh.add('node')
    const at = (host: string) => node.services.forward({ port: 0, service: WEB, host })
    await expect(at('localhost')).rejects.toMatchObject({ fault: { code: 'BAD_LISTEN_HOST' } })
    await expect(at('192.0.2.1')).rejects.toMatchObject({ fault: { code: 'LISTEN_FAILED' } })
  })

  it('listens on the loopback alone unless told otherwise', async () => {
    const node = await scene.mesh.add('node')
    expect(await node.services.forward({ port: 0, service: WEB })).toMatchObject({
      host: '127.0.0.1',
      state: 'listening',
    })
  })

  it('stops listening and ends its connections when it is removed', async () => {
    await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
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
    const { node } = await scene.provide('provider')
    expect(await greetingAt(await forwardTo(node))).toBe('provider')
    expect(await greetingAt(await forwardTo(node, node))).toBe('provider')
  })
})

describe('the limits of a consumer', () => {
  it('resets clients beyond the number of flows that it may carry', async () => {
    await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer', { maxFlows: 2 })
    const port = await forwardTo(consumer)
    const held = [await connectTcp(port), await connectTcp(port)]
    await eventually('both are connected', () => held.every(({ seen }) => seen.bytes > 0))
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(consumer.services.forwards()[0]).toMatchObject({ detail: 'too many flows at once' })
    for (const { socket } of held) socket.destroy()
  })

  it('writes one line for many clients that fail for one reason', async () => {
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    for (let index = 0; index < 20; index++) expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(consumer)).toHaveLength(1)
    expect(consumer.services.forwards()[0]?.tally.failed).toBe(20)
  })

  it('gives up looking for a provider when the client goes', async () => {
    const silent = await scene.mesh.add('silent', { connectTimeoutMs: 60_000 })
    await silent.services.expose({ name: WEB, target: '192.0.2.1:9' })
    await announces(silent, true)
    const consumer = await scene.mesh.add('consumer', { attemptTimeoutMs: 60_000 })
    const client = await connectTcp(await forwardTo(consumer))
    await eventually('the provider is asked', () => silent.services.flows().length === 1)
    client.socket.resetAndDestroy()
    await eventually('the provider is let go', () => silent.services.flows().length === 0)
  })
})

describe('a restart', () => {
  it('brings back services and forwards, with the port that was chosen', async () => {
    const { node: provider, site } = await scene.provide('provider', 'tcp')
    const consumer = await scene.mesh.add('consumer')
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
    const consumer = await scene.mesh.add('consumer')
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
    const { node } = await scene.provide('provider')
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
