import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MemberDetail, Status } from '../../node-core/contract/schemas.ts'
import { freePort } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

const LIFETIME_MS = 10_000
const LIFETIMES = 2

const statusOf = (node: RunningNode): Promise<Status> => node.json<Status>(['status'])

async function linkTo(node: RunningNode, name: string): Promise<Status['links'][number] | undefined> {
  return (await statusOf(node)).links.find((link) => link.name === name)
}

async function expiryOf(node: RunningNode, name: string): Promise<number> {
  const { items } = await node.json<{ items: MemberDetail[] }>(['peers'])
  return items.find((member) => member.name === name)?.expiresAt ?? 0
}

describe('certificates that last seconds', { timeout: 60_000 }, () => {
  let mesh: MeshFixture
  let alpha: RunningNode
  let beta: RunningNode
  let gamma: RunningNode
  let echo: Server
  let flow: Socket

  beforeAll(async () => {
    mesh = await createMeshFixture()
    await mkdir(mesh.home('alpha'), { mode: 0o700 })
    await writeFile(
      join(mesh.home('alpha'), 'x0t.yaml'),
      `certificates: { lifetime: ${LIFETIME_MS / 1_000}s }\n`,
    )
    await mesh.init('alpha')
    alpha = await mesh.up('alpha')
    await mesh.join('beta', alpha)
    beta = await mesh.up('beta')
    await mesh.join('gamma', alpha)
    gamma = await mesh.up('gamma')
    flow = await openFlow()
  })

  afterAll(async () => {
    flow?.destroy()
    await mesh?.stop()
    echo?.close()
  })

  /** A connection from beside beta to a server beside gamma, which stays open. */
  async function openFlow(): Promise<Socket> {
    echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    const address = echo.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    await gamma.json(['expose', 'echo', '--to', `127.0.0.1:${address.port}`])
    const port = await freePort()
    await beta.json(['forward', String(port), 'echo'])
    await waitFor('gamma to provide echo', async () => {
      const { items } = await beta.json<{ items: { name: string }[] }>(['services'])
      return items.some(({ name }) => name === 'echo')
    })
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write('x')
    await once(socket, 'data')
    return socket
  }

  const echoes = async (): Promise<boolean> => {
    flow.write('y')
    await once(flow, 'data', { signal: AbortSignal.timeout(5_000) })
    return true
  }

  it('are renewed by members and by the founder, and no membership and no flow ends over two lifetimes', async () => {
    await waitFor('beta to be linked to alpha', async () => (await linkTo(beta, 'alpha'))?.state === 'up')
    const first = { alpha: await expiryOf(gamma, 'alpha'), beta: await expiryOf(gamma, 'beta') }
    const endsAt = performance.now() + LIFETIMES * LIFETIME_MS
    await waitFor(
      'the lifetimes to pass',
      async () => {
        for (const node of [alpha, beta, gamma]) {
          const { node: self, members } = await statusOf(node)
          // Whoever is no member for a moment is missing here, and every connection to it is closed.
          expect(self.state).toBe('up')
          expect(members.map(({ name }) => name).sort()).toEqual(['alpha', 'beta', 'gamma'])
        }
        expect(await echoes()).toBe(true)
        return performance.now() > endsAt
      },
      (LIFETIMES + 1) * LIFETIME_MS,
    )
    expect((await linkTo(beta, 'alpha'))?.state).not.toBe('down')
    for (const name of ['alpha', 'beta'] as const) {
      expect(await expiryOf(gamma, name)).toBeGreaterThan(first[name] + (LIFETIMES - 1) * LIFETIME_MS)
    }
  })

  it('are renewed as soon as an issuer is back', async () => {
    await alpha.stop()
    const before = await expiryOf(beta, 'beta')
    await waitFor('the link to alpha to be down', async () => (await linkTo(beta, 'alpha'))?.state !== 'up')
    alpha = await mesh.up('alpha')
    await waitFor('beta to be renewed', async () => (await expiryOf(beta, 'beta')) > before, LIFETIME_MS)
    expect(await echoes()).toBe(true)
  })

  it('end a membership that no issuer renews, with every connection, and the node says what to do', async () => {
    await alpha.stop()
    const ended = new Promise((done) => flow.once('close', done))
    const latest = Math.max(await expiryOf(beta, 'beta'), await expiryOf(beta, 'gamma'))
    await ended
    expect(Date.now()).toBeLessThan(latest + 2_000)
    for (const node of [beta, gamma]) {
      await waitFor('the end of the membership', async () => (await statusOf(node)).node.state === 'expired')
      const { links, health } = await statusOf(node)
      expect(links.filter(({ state }) => state !== 'down')).toEqual([])
      expect(health).toContainEqual(
        expect.objectContaining({
          code: 'membership-expired',
          severity: 'critical',
          title: expect.stringMatching(/x0t leave.*x0t join/),
        }),
      )
      expect((await node.x0t(['status', '--check', 'ready'])).code).toBe(1)
    }
  })

  it('do not lock out the founder, who lets the others in again by invite', async () => {
    expect(await expiryOf(beta, 'alpha')).toBeLessThan(Date.now())
    alpha = await mesh.up('alpha')
    expect((await statusOf(alpha)).node.state).toBe('up')
    expect((await beta.x0t(['leave', '--yes'])).code).toBe(0)
    await beta.exited
    await mesh.join('beta', alpha)
    beta = await mesh.up('beta')
    await waitFor('beta to be linked again', async () => (await linkTo(beta, 'alpha'))?.state === 'up')
    expect((await x0t(['--home', beta.home, 'status', '--check', 'ready'])).code).toBe(0)
  })
})
