import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createFakeNode, type FakeNode } from '../../../tests/helpers/fake-node-api.ts'
import { connectWeb, signIn } from '../../../tests/helpers/web-client.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { createRouter } from '../router.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { startWebServer, type WebServer } from './web-server.ts'

const MIB = 1024 * 1024

let page: string
let fake: FakeNode
let sessions: Sessions
let server: WebServer

beforeEach(async () => {
  page = mkdtempSync(join(tmpdir(), 'x0t-page-'))
  writeFileSync(join(page, 'index.html'), '<!doctype html>')
  fake = createFakeNode()
  const random = systemRandom
  sessions = createSessions({ clock: systemClock, random }, { idleMs: 60_000, lifetimeMs: 600_000 })
  const router = createRouter({ api: fake.api, clock: systemClock, logger: silentLogger })
  server = await startWebServer(
    { clock: systemClock, logger: silentLogger, sessions, router: () => router },
    { host: '127.0.0.1', port: 0, tls: undefined, hosts: [], page, idleMs: 60_000 },
  )
})
afterEach(async () => {
  sessions.endAll()
  await server.stop()
  rmSync(page, { recursive: true, force: true })
})

/** A client frame of RFC 6455, 5.2, for a text below 64 KiB, masked with zeros. */
function frame(text: string): Buffer {
  const body = Buffer.from(text)
  const head = Buffer.from([0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0])
  head.writeUInt16BE(body.length, 2)
  return Buffer.concat([head, body])
}

/** A WebSocket by hand, which asks again and again and never reads an answer. */
async function deafReader(token: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `GET /rpc HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\norigin: ${server.origin}\r\nupgrade: websocket\r\n` +
      'connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.write(frame(JSON.stringify({ token })))
  await new Promise((resolve) => socket.once('data', resolve))
  socket.pause()
  return socket
}

describe('a reader that does not read', () => {
  it('is cut before it costs the node 4 MiB, and costs the others nothing', async () => {
    const [member] = fake.state.members
    if (member === undefined) throw new Error('the fake has members')
    // Each answer has about 800 KB.
    fake.state.members = Array.from({ length: 2_000 }, () => member)
    const link = () => `${server.origin}/#sign-in=${sessions.createSecret('viewer').secret}`
    const slow = await signIn(link())
    const fast = await signIn(link())
    const socket = await deafReader(slow.token)
    const watcher = await connectWeb(server.origin, fast.token)
    expect(server.connectionsOf(slow.session)).toBe(1)
    // What the system holds for both ends of a loopback connection is not the node's, and has to be full first.
    let peakBytes = 0
    for (let call = 0; call < 60 && server.connectionsOf(slow.session) === 1; call++) {
      const before = fake.state.calls.length
      socket.write(frame(JSON.stringify({ i: String(call), p: { u: '/members/list' } })))
      await eventually('the call', () => {
        peakBytes = Math.max(peakBytes, server.unsentBytes())
        return fake.state.calls.length > before || server.connectionsOf(slow.session) === 0
      })
    }
    await eventually('the deaf reader to be cut', () => {
      peakBytes = Math.max(peakBytes, server.unsentBytes())
      return server.connectionsOf(slow.session) === 0
    })
    expect(peakBytes).toBeGreaterThan(MIB)
    expect(peakBytes).toBeLessThan(4 * MIB)
    expect((await watcher.client.members.list()).items).toHaveLength(2_000)
    watcher.socket.close()
    socket.destroy()
  })
})
