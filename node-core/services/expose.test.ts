import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { startHttpSite } from '../../tests/helpers/http-site.ts'
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
import { connectTcp, sha256 } from '../../tests/helpers/tcp-ends.ts'
import type { ServiceName } from '../domain/ids.ts'
import { hasCode } from '../platform/error.ts'

let scene: ServiceScene

beforeEach(() => {
  scene = createServiceScene()
})
afterEach(() => scene.stop())

describe('exposing', () => {
  it.each(['nonsense', '127.0.0.1', '127.0.0.1:0', '/run/control.sock:1'])(
    'refuses the target %j',
    async (raw) => {
      const node = await scene.mesh.add('node')
      const error = await node.services.expose({ name: WEB, target: raw }).catch((caught: unknown) => caught)
      expect(hasCode(error, 'BAD_TARGET') && error.hint).toContain('127.0.0.1:8080')
      expect(node.store.services.list()).toEqual([])
    },
  )

  it('refuses a check that it does not know', async () => {
    const node = await scene.mesh.add('node')
    await expect(
      node.services.expose({ name: WEB, target: '127.0.0.1:1', check: 'ping' }),
    ).rejects.toMatchObject({ fault: { code: 'BAD_CHECK', check: 'ping' } })
  })

  it('refuses the ports of the node itself, when it is asked and when a flow comes', async () => {
    const { node, site } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
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
    const node = await scene.mesh.add('provider')
    const site = await scene.target()
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

  it('ends the flows of a service that is no longer exposed, and no others', async () => {
    const { node, site } = await scene.provide('provider')
    await node.services.expose({ name: OTHER, target: site.target })
    const consumer = await scene.mesh.add('consumer')
    await eventually('both are announced', () => node.announced.length === 2)
    const other = await consumer.services.forward({ port: 0, service: OTHER })
    const clients = [await connectTcp(await forwardTo(consumer)), await connectTcp(other.port)]
    await eventually('both are connected', () => clients.every(({ seen }) => seen.bytes > 0))
    node.services.unexpose(WEB)
    await eventually('the client is told', () => clients[0]?.seen.closed === true)
    expect(clients[0]?.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    expect(node.services.flows()).toMatchObject([{ service: OTHER, side: 'provide', peer: consumer.peer }])
    clients[1]?.socket.destroy()
  })

  it('takes 256 services and says so when it is asked for one more', async () => {
    const node = await scene.mesh.add('node')
    const expose = (name: string) =>
      node.services.expose({ name: name as ServiceName, target: '127.0.0.1:1' })
    for (let index = 0; index < 256; index++) await expose(`service-${index}`)
    await expose('service-0')
    await expect(expose('service-256')).rejects.toMatchObject({
      fault: { code: 'TOO_MANY_SERVICES', limit: 256 },
    })
    expect(node.store.services.list()).toHaveLength(256)
  })

  it('replaces the target of a service that exists', async () => {
    const { node } = await scene.provide('provider')
    const port = await forwardTo(await scene.mesh.add('consumer'))
    expect(await greetingAt(port)).toBe('provider')
    const second = await scene.target('second')
    await node.services.expose({ name: WEB, target: second.target })
    expect(await greetingAt(port)).toBe('second')
    expect(node.services.services()).toHaveLength(1)
  })

  it('says of a service of another member what that member announces', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const remote = () => consumer.services.services()[0]
    expect(remote()).toMatchObject({
      name: WEB,
      node: 'provider',
      local: false,
      target: undefined,
      state: 'healthy',
    })
    scene.network.sever(consumer.peer, node.peer)
    expect(remote()).toMatchObject({ state: 'unknown', detail: 'the node is not reachable' })
    scene.mesh.rules.mayProvide = () => ({ allow: false, rule: 'only-servers' })
    expect(remote()?.detail).toContain("'only-servers'")
  })
})

describe('health', () => {
  it('withdraws a service whose check fails, says why, and offers it again', async () => {
    let status = 200
    const server = createHttp((_request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const at = typeof address === 'object' && address !== null ? address.port : 0
    const node = await scene.mesh.add('provider')
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
    const node = await scene.mesh.add('provider')
    const consumer = await scene.mesh.add('consumer')
    await node.services.expose({ name: WEB, target: site.target, check: 'http:/' })
    await announces(node, true)
    const port = await forwardTo(consumer)
    const response = await fetch(`http://127.0.0.1:${port}${site.path}`)
    const body = Buffer.from(await response.arrayBuffer())
    expect(sha256(body)).toBe(site.sha256)
    await site.close()
  })
})
