import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get as httpsGet } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket as BareSocket } from 'ws'
import { createFakeNode, type FakeNode } from '../../../tests/helpers/fake-node-api.ts'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { TEST_CERTIFICATE } from '../../../tests/helpers/test-certificate.ts'
import { ask, connectWeb, post, signIn } from '../../../tests/helpers/web-client.ts'
import { SOCKET_CLOSE } from '../../contract/console-schemas.ts'
import type { Role } from '../../domain/role.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { createRouter } from '../router.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { startWebServer, type WebServer } from './web-server.ts'

let page: string
let fake: FakeNode
let clock: ManualClock
let sessions: Sessions
let server: WebServer

beforeEach(async () => {
  page = mkdtempSync(join(tmpdir(), 'x0t-page-'))
  mkdirSync(join(page, 'assets'))
  writeFileSync(join(page, 'index.html'), '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__">')
  writeFileSync(join(page, 'assets/index-AbCdEfGh.js'), 'export {}')
  fake = createFakeNode()
  clock = createManualClock()
  sessions = createSessions({ clock, random: systemRandom }, { idleMs: 60_000, lifetimeMs: 600_000 })
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

const link = (role: Role = 'owner'): string =>
  `${server.origin}/#sign-in=${sessions.createSecret(role).secret}`
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const codeOf = (text: string): unknown => (JSON.parse(text) as { error: { code: string } }).error.code

describe('the page', () => {
  it('is served at every address without an ending, under a policy that allows nothing foreign', async () => {
    for (const path of ['/', '/index.html', '/nodes/laptop?tab=links']) {
      const { status, headers, text } = await ask(server.origin, path)
      expect(status).toBe(200)
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-")
      expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${server.port};`)
      expect(policy).not.toMatch(/unsafe|\*|data:|blob:/)
      const nonce = /nonce-([^']+)'/.exec(policy)?.[1]
      expect(text).toContain(`content="${nonce}"`)
      expect(headers['set-cookie']).toBeUndefined()
      expect(headers['x-frame-options']).toBe('DENY')
    }
  })

  it('has a nonce of its own each time', async () => {
    const [one, two] = [await ask(server.origin, '/'), await ask(server.origin, '/')]
    expect(one.text).not.toBe(two.text)
  })

  it('gives its files and no other, however the path is written', async () => {
    expect(await ask(server.origin, '/assets/index-AbCdEfGh.js')).toMatchObject({
      status: 200,
      text: 'export {}',
    })
    writeFileSync(join(page, '../outside.js'), 'secret')
    for (const path of [
      '/../outside.js',
      '/assets/..%2f..%2foutside.js',
      '/%2e%2e/outside.js',
      '/assets/none.js',
    ]) {
      expect((await ask(server.origin, path)).status).toBe(404)
    }
    rmSync(join(page, '../outside.js'))
  })
})

describe('sign-in', () => {
  it('gives a token for a secret, once', async () => {
    const url = link('operator')
    const { token, role } = await signIn(url)
    expect(role).toBe('operator')
    expect((await post(server.origin, '/rpc/node/version', {}, bearer(token))).status).toBe(200)
    await expect(signIn(url)).rejects.toThrow('401')
  })

  it('refuses a secret after a minute', async () => {
    const url = link()
    clock.advance(60_000)
    await expect(signIn(url)).rejects.toThrow('401')
  })

  it('slows a guesser down and lets nobody else in meanwhile from there', async () => {
    const secret = 'A'.repeat(43)
    const answers: number[] = []
    for (let guess = 0; guess < 12; guess++) {
      answers.push((await post(server.origin, '/session', { secret })).status)
    }
    expect(answers).toEqual([...Array<number>(10).fill(401), 429, 429])
    const url = link()
    await expect(signIn(url)).rejects.toThrow('429')
    clock.advance(59_999)
    const later = link()
    clock.advance(1)
    await expect(signIn(later)).resolves.toMatchObject({ role: 'owner' })
  })

  it.each([
    ['a foreign page', { origin: 'https://evil.example' }, 403, 'FOREIGN_ORIGIN'],
    ['the same host at another port', { origin: 'http://127.0.0.1:1' }, 403, 'FOREIGN_ORIGIN'],
    ['a page without an origin', { origin: 'null' }, 403, 'FOREIGN_ORIGIN'],
    [
      'a name that resolves to us',
      { host: 'evil.example', origin: 'http://evil.example' },
      421,
      'FOREIGN_HOST',
    ],
  ])('takes nothing from %s', async (_who, headers, status, code) => {
    const answer = await post(server.origin, '/session', { secret: 'A'.repeat(43) }, headers)
    expect(answer.status).toBe(status)
    expect(codeOf(answer.text)).toBe(code)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('takes nothing that does not say where it comes from', async () => {
    const body = JSON.stringify({ secret: 'A'.repeat(43) })
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
    const answer = await ask(server.origin, '/session', { method: 'POST', body, headers })
    expect(codeOf(answer.text)).toBe('MISSING_ORIGIN')
  })

  it('does not show even its page under a foreign name', async () => {
    expect((await ask(server.origin, '/', { headers: { host: 'evil.example' } })).status).toBe(421)
    expect((await ask(server.origin, '/', { headers: { origin: 'https://evil.example' } })).status).toBe(403)
  })

  it('takes no form, which a foreign page could send without asking', async () => {
    const answer = await post(server.origin, '/session', {}, { 'content-type': 'text/plain' })
    expect(codeOf(answer.text)).toBe('NOT_JSON')
  })

  it('takes no large body', async () => {
    const answer = await post(server.origin, '/session', { secret: 'A'.repeat(2_000) })
    expect(codeOf(answer.text)).toBe('TOO_LARGE')
  })
})

describe('a session', () => {
  it('ends when it is not used, at its end whatever it does, and by signing out', async () => {
    const call = async (token: string) =>
      (await post(server.origin, '/rpc/node/version', {}, bearer(token))).status
    const idle = await signIn(link())
    clock.advance(59_999)
    expect(await call(idle.token)).toBe(200)
    clock.advance(60_000)
    expect(await call(idle.token)).toBe(401)

    const busy = await signIn(link())
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(59_999)
      expect(await call(busy.token)).toBe(200)
    }
    clock.advance(20)
    expect(await call(busy.token)).toBe(401)

    const left = await signIn(link())
    const headers = { origin: server.origin, ...bearer(left.token) }
    expect((await ask(server.origin, '/session', { method: 'DELETE', headers })).status).toBe(200)
    expect(await call(left.token)).toBe(401)
  })

  it('is one of a bounded number: the one that was used longest ago makes room', async () => {
    const first = await signIn(link())
    clock.advance(1)
    for (let count = 0; count < 32; count++) await signIn(link())
    expect(sessions.list()).toHaveLength(32)
    expect(sessions.list().some(({ id }) => id === first.session)).toBe(false)
  })

  it('has its role and no more', async () => {
    const { token } = await signIn(link('viewer'))
    const { client, socket } = await connectWeb(server.origin, token)
    expect((await client.node.status()).node.name).toBe('laptop')
    await expect(client.node.down()).rejects.toMatchObject({ code: 'FORBIDDEN' })
    await expect(client.console.link({ role: null })).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(fake.state.calls).toEqual(['node.status'])
    socket.close()
  })
})

describe('the API', () => {
  it('is called with a token, from our own page or by a program that says so', async () => {
    const { token } = await signIn(link('viewer'))
    const status = await post(server.origin, '/api/node/status', {}, bearer(token))
    expect(JSON.parse(status.text)).toMatchObject({ schema: 1, node: { name: 'laptop' } })
    const down = await post(server.origin, '/api/node/down', {}, bearer(token))
    expect([down.status, JSON.parse(down.text).code]).toEqual([403, 'FORBIDDEN'])
    expect((await post(server.origin, '/api/node/status', {})).status).toBe(401)
    const foreign = { ...bearer(token), origin: 'https://evil.example' }
    expect((await post(server.origin, '/api/node/status', {}, foreign)).status).toBe(403)
    expect((await post(server.origin, '/api/no/such', {}, bearer(token))).status).toBe(404)
  })

  it('explains itself without a token and without anything from elsewhere', async () => {
    const page = await ask(server.origin, '/api')
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('POST /api/node/status') })
    expect(String(page.headers['content-security-policy'])).toMatch(/^default-src 'none'; style-src 'nonce-/)
    const document = await ask(server.origin, '/api/openapi.json')
    expect(JSON.parse(document.text)).toMatchObject({ servers: [{ url: `${server.origin}/api` }] })
  })
})

describe('a WebSocket', () => {
  it('carries calls and streams, and is counted', async () => {
    const { token, session } = await signIn(link())
    const { client, socket, closed } = await connectWeb(server.origin, token)
    expect(server.connectionsOf(session)).toBe(1)
    const events = await client.events.subscribe({ topics: ['node'] })
    const first = await events.next()
    expect(first.value).toMatchObject({ topic: 'node', kind: 'snapshot', seq: 1 })
    await events.return()
    socket.close()
    await closed
  })

  it('is refused without our Origin, under another name and at another path', async () => {
    const refused = (path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const socket = new BareSocket(`ws://127.0.0.1:${server.port}${path}`, { headers })
        socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.once('open', () => reject(new Error('it opened')))
        socket.once('error', () => {})
      })
    const own = { origin: server.origin }
    expect(await refused('/rpc', {})).toBe(403)
    expect(await refused('/rpc', { origin: 'https://evil.example' })).toBe(403)
    expect(await refused('/rpc', { origin: 'http://evil.example', host: 'evil.example' })).toBe(403)
    expect(await refused('/other', own)).toBe(404)
  })

  it('is closed without a token, with a wrong one, and when its session ends', async () => {
    await expect(connectWeb(server.origin, 'A'.repeat(43))).rejects.toThrow(String(SOCKET_CLOSE.notSignedIn))
    await expect(connectWeb(server.origin, '')).rejects.toThrow(String(SOCKET_CLOSE.notSignedIn))
    const { token } = await signIn(link())
    const { closed } = await connectWeb(server.origin, token)
    clock.advance(60_000)
    expect(await closed).toBe(SOCKET_CLOSE.expired)
  })

  it('takes no frame over its limit', async () => {
    const { token } = await signIn(link())
    const { socket, closed } = await connectWeb(server.origin, token)
    socket.send('x'.repeat(256 * 1024 + 1))
    // RFC 6455, 7.4.1: a message that is too big.
    expect(await closed).toBe(1009)
  })

  it('takes 64 calls at once and no more', async () => {
    const { token } = await signIn(link())
    const { client, closed } = await connectWeb(server.origin, token)
    for (let count = 0; count < 70; count++) {
      client.events.subscribe({ topics: ['node'] }).then(
        async (events) => events.next(),
        () => {},
      )
    }
    expect(await closed).toBe(SOCKET_CLOSE.tooMany)
  })
})

describe('a console that others can reach', () => {
  it('speaks TLS alone, and only to those who came by its name', async () => {
    const router = createRouter({ api: fake.api, clock: systemClock, logger: silentLogger })
    const secure = await startWebServer(
      { clock: systemClock, logger: silentLogger, sessions, router: () => router },
      {
        ...{ host: '127.0.0.1', port: 0, hosts: ['console.test'], page, idleMs: 60_000 },
        tls: { cert: Buffer.from(TEST_CERTIFICATE.cert), key: Buffer.from(TEST_CERTIFICATE.key) },
      },
    )
    try {
      expect(secure.origin).toBe(`https://console.test:${secure.port}`)
      const get = (host: string) =>
        new Promise<{ status: number | undefined; policy: string; hsts: unknown }>((resolve, reject) => {
          const { port } = secure
          const ca = TEST_CERTIFICATE.cert
          const options = {
            host: '127.0.0.1',
            servername: 'console.test',
            port,
            ca,
            agent: false,
            headers: { host },
          }
          httpsGet(options, (response) => {
            response.resume()
            const { headers, statusCode: status } = response
            const policy = String(headers['content-security-policy'])
            resolve({ status, policy, hsts: headers['strict-transport-security'] })
          }).on('error', reject)
        })
      const page200 = await get(`console.test:${secure.port}`)
      expect(page200).toMatchObject({ status: 200, hsts: expect.stringContaining('max-age') })
      expect(page200.policy).toContain(`connect-src 'self' wss://console.test:${secure.port}`)
      expect((await get('evil.example')).status).toBe(421)
      await expect(ask(`http://127.0.0.1:${secure.port}`, '/')).rejects.toThrow()
    } finally {
      await secure.stop()
    }
  })
})
