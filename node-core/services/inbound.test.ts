import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../tests/helpers/eventually.ts'
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
import { connectTcp, type TcpEnd } from '../../tests/helpers/tcp-ends.ts'
import { encodeFlowRequest } from './flow-header.ts'

let scene: ServiceScene

beforeEach(() => {
  scene = createServiceScene()
})
afterEach(() => scene.stop())

describe('what a member can do to a provider', () => {
  it('learns that there is no such service', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const flow = await scene.openRaw(consumer, node, encodeFlowRequest({ service: OTHER }))
    expect(await replyOf(flow)).toMatchObject({ code: 'NO_SUCH_SERVICE' })
  })

  it('learns that its version is not spoken', async () => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    expect(await replyOf(await scene.openRaw(consumer, node, Uint8Array.of(7, 1, 1)))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
    })
  })

  it.each([
    ['sends what is no header', Uint8Array.of(1, 0)],
    ['sends a header that is no request', Uint8Array.of(1, 1, 0xa0)],
    ['asks for a name that is none', Uint8Array.of(1, 11, 0xa1, 0x67, ...Buffer.from('service'), 0x61, 0x2e)],
  ])('is reset when it %s', async (_what, bytes) => {
    const { node } = await scene.provide('provider')
    const consumer = await scene.mesh.add('consumer')
    const flow = await scene.openRaw(consumer, node, bytes)
    expect(await replyOf(flow)).toBeUndefined()
    await eventually('it is reset', () => flow.destroyed)
  })

  it('is reset when it says nothing, and its place is free again', async () => {
    const provider = await scene.mesh.add('provider', { headerTimeoutMs: 50, maxFlowsPerPeer: 1 })
    const site = await scene.target('provider')
    await provider.services.expose({ name: WEB, target: site.target })
    await announces(provider, true)
    const consumer = await scene.mesh.add('consumer')
    const silent = await scene.openRaw(consumer, provider, new Uint8Array())
    const next = await scene.openRaw(consumer, provider, encodeFlowRequest({ service: WEB }))
    expect(await replyOf(next)).toMatchObject({ code: 'OVERLOADED' })
    await eventually('the silent one is reset', () => silent.destroyed)
    expect(await greetingAt(await forwardTo(consumer))).toBe('provider')
  })

  it('cannot take the places of the others', async () => {
    const provider = await scene.mesh.add('provider', { maxFlowsPerPeer: 3 })
    const site = await scene.target('provider')
    await provider.services.expose({ name: WEB, target: site.target })
    await announces(provider, true)
    const [greedy, modest] = [await scene.mesh.add('greedy'), await scene.mesh.add('modest')]
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
    const provider = await scene.mesh.add('provider', { connectTimeoutMs: 60_000 })
    await provider.services.expose({ name: WEB, target: '192.0.2.1:9' })
    const consumer = await scene.mesh.add('consumer')
    const flow = await scene.openRaw(consumer, provider, encodeFlowRequest({ service: WEB }))
    flow.destroy()
    await eventually('no flow is left', () => provider.services.flows().length === 0)
  })
})
