import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
import { freePort } from '../../tests/helpers/http-site.ts'
import type { MeshNode } from '../../tests/helpers/service-mesh.ts'
import {
  announces,
  createServiceScene,
  forwardTo,
  greetingAt,
  OTHER,
  replyOf,
  type ServiceScene,
  WEB,
  warnings,
} from '../../tests/helpers/service-scene.ts'
import { connectTcp, startTcpTarget } from '../../tests/helpers/tcp-ends.ts'
import type { NodeName } from '../domain/ids.ts'
import { encodeFlowRequest } from './flow-header.ts'

let scene: ServiceScene

beforeEach(() => {
  scene = createServiceScene()
})
afterEach(() => scene.stop())

describe('a repair', () => {
  it('takes clients to another provider and resets those of the one that is avoided', async () => {
    const { node: first } = await scene.provide('first')
    const { node: second } = await scene.provide('second')
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    consumer.services.avoidProvider(WEB, second.peer, 60_000)
    const client = await connectTcp(port)
    await eventually('it is greeted', () => client.seen.bytes > 0)
    expect(consumer.services.flows().map(({ peer }) => peer)).toEqual([first.peer])
    expect(consumer.services.avoidProvider(WEB, first.peer, 60_000)).toEqual({ reset: 1 })
    await eventually('no flow is left', () => consumer.services.flows().length === 0)
    expect(client.seen.closed).toBe(true)
    expect(consumer.services.avoidProvider(WEB, first.peer, 60_000)).toBeUndefined()
  })

  it('finds out as a client would whether a service can be used, and at whom', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const signal = AbortSignal.timeout(5_000)
    expect(await consumer.services.probe(WEB, signal)).toMatchObject({ ok: true, peer: node.peer })
    expect(await consumer.services.probe(OTHER, signal)).toEqual({
      ok: false,
      reason: "no member announces 'other'",
    })
  })

  it('lets a forward listen anew', async () => {
    await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    const client = await connectTcp(port)
    await eventually('it is greeted', () => client.seen.bytes > 0)
    expect(await consumer.services.restartForward(port)).toMatchObject({ port, state: 'listening' })
    await eventually('the client is told', () => client.seen.closed)
    expect(await greetingAt(port)).toBe('provider')
    await expect(consumer.services.restartForward(1)).rejects.toMatchObject({
      fault: { code: 'FORWARD_NOT_FOUND' },
    })
  })
})

describe('choosing a provider', () => {
  it('resets the client and says why when nobody provides the service', async () => {
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(await greetingAt(await forwardTo(consumer, 'nobody'))).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain("no member announces 'web'")
    expect(warnings(consumer).join()).toContain("no member is called 'nobody'")
    expect(consumer.services.forwards().find((forward) => forward.port === port)).toMatchObject({
      detail: "no member announces 'web'",
      tally: { failed: 1 },
    })
  })

  it('resets the client when the target is dead, tells why at both nodes, and not where it is', async () => {
    const { node, site } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
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
    const provider = await scene.mesh.add('provider')
    const consumer = await scene.mesh.add('consumer')
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
    scene.targets.push(await startTcpTarget(({ socket }) => void socket.end('here'), later))
    await announces(provider, true)
    expect(await greetingAt(port)).toBe('here')
  })

  it('turns new flows to another provider when one dies, and back to a healthy one', async () => {
    const [first, second] = [await scene.provide('first', 'tcp'), await scene.provide('second', 'tcp')]
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    expect(['first', 'second']).toContain(await greetingAt(port))
    await first.site.close()
    // At once, before any check has noticed.
    for (let index = 0; index < 5; index++) expect(await greetingAt(port)).toBe('second')
    await announces(first.node, false)
    scene.network.sever(consumer.peer, second.node.peer)
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toMatch(/first: its own check.*second: it is not reachable/)
    scene.targets.push(await startTcpTarget(({ socket }) => void socket.end('again'), first.site.port))
    await announces(first.node, true)
    expect(await greetingAt(port)).toBe('again')
  })

  it('ends the flow with a reset when its provider dies, and gives the next client another one', async () => {
    await Promise.all([scene.provide('first'), scene.provide('second')])
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    const client = await connectTcp(port)
    await eventually('it is connected', () => client.seen.bytes > 0)
    const used = scene.mesh.nodes.find(({ peer }) => peer === consumer.services.flows()[0]?.peer) as MeshNode
    scene.network.sever(consumer.peer, used.peer)
    await eventually('the client is told', () => client.seen.closed)
    expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    expect(await greetingAt(port)).toBe(used.name === 'first' ? 'second' : 'first')
  })

  it('uses a pinned node alone', async () => {
    const [first, second] = [await scene.provide('first'), await scene.provide('second')]
    const consumer = await scene.mesh.add('consumer')
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
    const silent = await scene.network.join()
    await silent.transport.handle((flow) => void flow.on('error', () => {}))
    scene.mesh.phantoms.push({ service: WEB, peer: silent.peer, node: 'silent' as NodeName })
    await scene.provide('second')
    const consumer = await scene.mesh.add('consumer', { attemptTimeoutMs: 100 })
    const port = await forwardTo(consumer)
    for (let index = 0; index < 6; index++) expect(await greetingAt(port)).toBe('second')
    const pinned = await consumer.services.forward({ port: 0, service: WEB, node: silent.peer })
    expect(await greetingAt(pinned.port)).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain('took longer than 100 ms')
  })

  it('asks another provider beside one that died without a word, and waits for neither', async () => {
    const silent = await scene.network.join()
    await silent.transport.handle((flow) => void flow.on('error', () => {}))
    scene.mesh.phantoms.push({ service: WEB, peer: silent.peer, node: 'silent' as NodeName })
    await scene.provide('second')
    const consumer = await scene.mesh.add('consumer', { attemptTimeoutMs: 50_000, totalTimeoutMs: 50_000 })
    const port = await forwardTo(consumer)
    const startedMs = performance.now()
    for (let index = 0; index < 6; index++) expect(await greetingAt(port)).toBe('second')
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })
})

describe('policy', () => {
  it('denies by default, with nothing said about what exists', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    scene.mesh.rules.mayUse = () => ({ allow: false })
    for (const service of [WEB, OTHER]) {
      const flow = await scene.openRaw(consumer, node, encodeFlowRequest({ service }))
      expect(await replyOf(flow)).toMatchObject({ kind: 'refused', code: 'DENIED' })
    }
    expect(warnings(node).join()).toMatch(/DENIED.*no rule of the policy/)
  })

  it('names the rule that denies', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    scene.mesh.rules.mayUse = () => ({ allow: false, rule: 'no-guests' })
    expect(await greetingAt(await forwardTo(consumer))).toBe('ECONNRESET')
    expect(warnings(consumer).join()).toContain("DENIED, the rule 'no-guests'")
    expect(warnings(node).join()).toContain(consumer.peer)
  })

  it('is asked again for every flow', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    expect(await greetingAt(port)).toBe('provider')
    scene.mesh.rules.standing = (peer) => (peer === consumer.peer ? 'revoked' : 'member')
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(warnings(node).join()).toContain('revoked')
  })

  it('lets the consumer refuse a provider that its certificate does not entitle', async () => {
    const [first, second] = [await scene.provide('first'), await scene.provide('second')]
    const consumer = await scene.mesh.add('consumer')
    scene.mesh.rules.mayProvide = (peer) => ({ allow: peer !== first.node.peer, rule: 'servers' })
    const [any, pinned] = [await forwardTo(consumer), await forwardTo(consumer, first.node)]
    for (let index = 0; index < 5; index++) expect(await greetingAt(any)).toBe('second')
    expect(await greetingAt(pinned)).toBe('ECONNRESET')
    expect(first.site.ends).toHaveLength(0)
    expect(warnings(consumer).join()).toContain("'servers' of the policy forbids it to provide")
    scene.mesh.rules.standing = (peer) => (peer === second.node.peer ? 'expired' : 'member')
    expect(await greetingAt(any)).toBe('ECONNRESET')
  })

  it('is asked again after the provider has answered', async () => {
    await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const port = await forwardTo(consumer)
    let asked = 0
    scene.mesh.rules.mayProvide = () => {
      asked += 1
      return { allow: asked === 1 }
    }
    expect(await greetingAt(port)).toBe('ECONNRESET')
    expect(asked).toBe(2)
  })

  it.each(['use', 'provide'] as const)(
    'ends open flows that a new policy does not allow to %s',
    async (side) => {
      const { node } = await scene.provide('provider')
      const consumer = await scene.mesh.add('consumer')
      const client = await connectTcp(await forwardTo(consumer))
      await eventually('it is connected', () => client.seen.bytes > 0)
      for (const { services } of scene.mesh.nodes) services.recheck()
      client.socket.write('still here')
      await eventually('it is echoed', () => client.seen.bytes === 'provider'.length + 10)
      if (side === 'use') scene.mesh.rules.mayUse = () => ({ allow: false })
      else scene.mesh.rules.mayProvide = () => ({ allow: false })
      ;(side === 'use' ? node : consumer).services.recheck()
      await eventually('the client is told', () => client.seen.closed)
      expect(client.seen).toMatchObject({ ended: false, error: 'ECONNRESET' })
    },
  )
})
