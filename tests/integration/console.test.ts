import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SOCKET_CLOSE } from '../../node-core/contract/console-schemas.ts'
import { ask, connectWeb, signIn } from '../helpers/web-client.ts'
import { createMeshFixture, type MeshFixture, waitFor, x0t } from '../helpers/x0t.ts'

describe('the web console of a real node', () => {
  let mesh: MeshFixture
  beforeAll(async () => {
    mesh = await createMeshFixture()
  })
  afterAll(async () => {
    await mesh.stop()
  })

  it('leads from an empty home to a mesh, and the browser stays signed in', async () => {
    const node = await mesh.up('fresh', ['--console'])
    const refused = await node.x0t(['status', '--json'])
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'NO_MESH' } })
    const link = await node.json<{ url: string }>(['console', '--print'])
    const { origin, token } = await signIn(link.url)
    const before = await connectWeb(origin, token)
    expect(await before.client.setup.state()).toMatchObject({ mode: 'setup', keystore: null })
    const made = await before.client.setup.create({ mesh: 'my mesh', name: 'fresh', passphrase: null })
    expect(await before.closed).toBe(SOCKET_CLOSE.again)

    const { client, socket, closed } = await connectWeb(origin, token)
    expect(await client.setup.state()).toMatchObject({ mode: 'node', keystore: 'keyfile' })
    const status = await client.node.status()
    expect(status.node).toMatchObject({ name: 'fresh', mesh: 'my mesh', peerId: made.peer, state: 'up' })
    const again = client.setup.create({ mesh: 'other', name: 'fresh', passphrase: null })
    await expect(again).rejects.toMatchObject({ data: { code: 'HOME_HAS_NODE' } })

    const events = await client.events.subscribe({ topics: ['members', 'services'] })
    const seen: unknown[] = []
    // What the node was asked to follow ends with the connection.
    const follow = (async () => {
      for await (const event of events) seen.push(event)
    })().catch(() => {})
    await waitFor('both snapshots', () => seen.length >= 2)
    await client.services.expose({ name: 'web', target: '127.0.0.1:9', check: null })
    await waitFor('the change', () => JSON.stringify(seen.slice(2)).includes('"name":"web"'))
    await node.stop()
    await follow
    expect([SOCKET_CLOSE.again, SOCKET_CLOSE.expired]).toContain(await closed)
    socket.close()
  })

  it('keeps its address over a restart, and gives links that work once', async () => {
    const first = await mesh.up('fresh')
    const { url } = await first.json<{ url: string }>(['console'])
    await signIn(url)
    await expect(signIn(url)).rejects.toThrow('401')
    const page = await ask(new URL(url).origin, '/')
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('<div id="root">') })
    await first.stop()
    const second = await mesh.up('fresh')
    const later = await second.json<{ url: string }>(['console', '--role', 'viewer'])
    expect(new URL(later.url).origin).toBe(new URL(url).origin)
    expect(await signIn(later.url)).toMatchObject({ role: 'viewer' })
    await second.stop()
  })

  it('says what to do when it is switched off, and never listens for others without a certificate', async () => {
    const { writeFile } = await import('node:fs/promises')
    const config = `${mesh.home('fresh')}/x0t.yaml`
    await writeFile(config, 'console:\n  enabled: false\n', { mode: 0o600 })
    const node = await mesh.up('fresh')
    const off = await node.x0t(['console', '--json'])
    expect(JSON.parse(off.stdout)).toMatchObject({ error: { code: 'CONSOLE_OFF' } })
    await node.stop()
    await writeFile(config, 'console:\n  listen: 0.0.0.0:0\n', { mode: 0o600 })
    const wrong = await x0t(['--home', mesh.home('fresh'), 'up', '--json'])
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      error: { code: 'CONFIG_INVALID', message: expect.stringContaining('x0t.yaml:2:11: console.listen') },
    })
    await rm(config)
  })
})
