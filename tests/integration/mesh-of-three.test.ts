import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { curl } from '../helpers/curl.ts'
import { createHttpReceiver, type HttpReceiver, type ReceivedPost } from '../helpers/http-receiver.ts'
import { freePort, type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

const MESH_SUITE = /^\/x0t\/noise-hfs\/1\/(aesgcm|chachapoly)$/

/** Fault, detection, posts: seconds, and many more on a machine that does something else. */
const TOLD_MS = 50_000
const HOOK_KEY = 'a-key-that-the-receiver-knows-as-well'

/** Alpha tells people of faults by a webhook, and a collector of what it does. */
const settingsOf = (home: string, url: string): string => `alerts:
  - {name: ops, kind: webhook, url: '${url}/hook', secretFile: '${home}/hook.key', throttle: 0s}
metrics:
  otlp: {url: '${url}', signals: [traces, logs]}
`

interface Told {
  readonly event: string
  readonly code: string
  readonly severity: string
  readonly title: string
}

/** What one post to the webhook says, once its signature has been found right. */
function verified({ headers, text }: ReceivedPost): Told[] {
  const [, seconds = '', signature] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-x0t-signature'])) ?? []
  expect(signature).toBe(createHmac('sha256', HOOK_KEY).update(`${seconds}.${text}`).digest('hex'))
  return (JSON.parse(text) as { alerts: Told[] }).alerts
}

function linkTo(status: Status, name: string): Status['links'][number] | undefined {
  return status.links.find((link) => link.name === name)
}

async function linked(node: RunningNode, names: readonly string[]): Promise<void> {
  await waitFor(`${node.name} to be linked to ${names.join(', ')}`, async () => {
    const status = await node.json<Status>(['status'])
    return names.every((name) => linkTo(status, name)?.state === 'up')
  })
}

describe('three nodes, three processes, one mesh', () => {
  let mesh: MeshFixture
  let site: HttpSite
  let receiver: HttpReceiver
  let alpha: RunningNode
  let beta: RunningNode
  let gamma: RunningNode
  let port: number

  beforeAll(async () => {
    mesh = await createMeshFixture()
    site = await startHttpSite(5_000_000)
    port = await freePort()
    receiver = await createHttpReceiver()
    receiver.answer = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' }
    await mkdir(mesh.home('alpha'), { mode: 0o700 })
    await writeFile(join(mesh.home('alpha'), 'hook.key'), HOOK_KEY, { mode: 0o600 })
    await writeFile(join(mesh.home('alpha'), 'x0t.yaml'), settingsOf(mesh.home('alpha'), receiver.url))
    await mesh.init('alpha')
    alpha = await mesh.up('alpha')
    await mesh.join('beta', alpha)
    beta = await mesh.up('beta')
    await mesh.join('gamma', alpha)
    gamma = await mesh.up('gamma')
  })

  afterAll(async () => {
    await mesh?.stop()
    await site?.close()
    await receiver?.close()
  })

  it('links every member to every other with a hybrid suite', async () => {
    await linked(alpha, ['beta', 'gamma'])
    await linked(beta, ['alpha', 'gamma'])
    await linked(gamma, ['alpha', 'beta'])
    const status = await beta.json<Status>(['status'])
    for (const link of status.links) expect(link.suite).toMatch(MESH_SUITE)
    expect(status.members.map((member) => member.name).sort()).toEqual(['alpha', 'beta', 'gamma'])
    expect(status.node.keystore).toBe('keyfile')
  })

  it('answers a ping by name and says that the path is direct', async () => {
    const result = await beta.x0t(['ping', 'gamma', '-c', '2'])
    expect(result.code).toBe(0)
    expect(result.stdout.match(/^pong from gamma \(path: direct\) in [\d.]+ ms$/gm)).toHaveLength(2)
  })

  it('lets curl fetch a file from a server that only another node can reach', async () => {
    await gamma.json(['expose', 'site', '--to', site.target, '--check', 'http:/'])
    await waitFor('beta to hear of the service', async () => {
      const { items } = await beta.json<{ items: { name: string; state: string }[] }>(['services'])
      return items.some((service) => service.name === 'site' && service.state === 'healthy')
    })
    await beta.json(['forward', String(port), 'site'])
    const fetched = await curl(`http://127.0.0.1:${port}${site.path}`)
    expect(fetched).toMatchObject({ code: 0, sha256: site.sha256, sizeBytes: site.sizeBytes })
  })

  it('keeps services and forwards over a restart of both ends', async () => {
    await Promise.all([beta.stop(), gamma.stop()])
    gamma = await mesh.up('gamma')
    beta = await mesh.up('beta')
    await linked(beta, ['alpha', 'gamma'])
    await waitFor('the forward to serve again', async () => {
      const fetched = await curl(`http://127.0.0.1:${port}${site.path}`)
      return fetched.code === 0 && fetched.sha256 === site.sha256
    })
  })

  it('resets the client when the target is dead, and the log says why', async () => {
    const dead = await freePort()
    const deadForward = await freePort()
    await gamma.json(['expose', 'dead', '--to', `127.0.0.1:${dead}`])
    await beta.json(['forward', String(deadForward), 'dead@gamma'])
    const fetched = await curl(`http://127.0.0.1:${deadForward}/`)
    // 56: the connection was reset. An orderly end (52) could be taken for an empty answer.
    expect(fetched.code).toBe(56)
    for (const [node, text] of [
      [gamma, `127.0.0.1:${dead}`],
      [beta, 'TARGET_REFUSED'],
    ] as const) {
      const log = await readFile(join(node.home, 'logs', 'x0t.log'), 'utf8')
      expect(log.split('\n').filter((line) => line.includes(text) && line.includes('"dead"'))).not.toEqual([])
    }
    await beta.json(['unforward', String(deadForward)])
    await gamma.json(['unexpose', 'dead'])
  })

  it('takes a new policy everywhere at once, open connections included, and goes back to the old one', async () => {
    const open = connect(port, '127.0.0.1')
    open.on('error', () => undefined)
    open.write(`GET ${site.path} HTTP/1.1\r\nHost: site\r\n\r\n`)
    await once(open, 'data')
    open.resume()
    const closed = new Promise((resolve) => open.once('close', resolve))
    const shown = await alpha.json<{ policy: { number: number; document: string } }>(['policy', 'show'])
    const stricter = `${shown.policy.document}  - { id: no-site-for-beta, deny: [use], who: { nodes: [beta] }, services: [site] }
tests:
  - { deny: use, who: beta, service: site, at: gamma }
  - { allow: use, who: alpha, service: site, at: gamma }
`
    const file = join(alpha.home, 'stricter.yaml')
    await writeFile(file, stricter)
    const diff = await alpha.x0t(['policy', 'diff', file])
    expect(diff.stdout).toContain(
      'may no longer use site: beta at alpha, beta, gamma (rule no-site-for-beta)',
    )
    await alpha.json(['policy', 'apply', file, '--yes'])
    await Promise.race([closed, delay(5_000).then(() => Promise.reject(new Error('still open after 5 s')))])
    expect((await curl(`http://127.0.0.1:${port}${site.path}`)).code).not.toBe(0)
    const can = await gamma.x0t(['can', 'beta', 'use', 'site@gamma'])
    expect([can.code, can.stdout]).toEqual([
      1,
      expect.stringContaining('rule no-site-for-beta denies it, line'),
    ])
    await alpha.json(['policy', 'rollback', String(shown.policy.number), '--yes'])
    await waitFor('beta to be served again', async () => {
      const fetched = await curl(`http://127.0.0.1:${port}${site.path}`)
      return fetched.sha256 === site.sha256
    })
    const history = await beta.json<{ items: { number: number }[] }>(['policy', 'history'])
    expect(history.items.map(({ number }) => number)).toEqual([3, 2, 1])
  })

  it('does not take a policy that fails its own cases or is not signed here, and says which line', async () => {
    const shown = await alpha.json<{ policy: { document: string } }>(['policy', 'show'])
    const file = join(alpha.home, 'bad.yaml')
    await writeFile(
      file,
      `${shown.policy.document}tests:\n  - { deny: use, who: beta, service: site, at: gamma }\n`,
    )
    const refused = await alpha.x0t(['policy', 'apply', file, '--yes'])
    const line = shown.policy.document.split('\n').length + 1
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining(`line ${line}: test failed`)])
    await writeFile(file, `${shown.policy.document}\n`)
    const elsewhere = await beta.x0t(['policy', 'apply', file, '--yes'])
    expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining('owner')])
  })

  it('tells people of a node that hangs, and that it is over, by posts with a signature', {
    timeout: 3 * TOLD_MS,
  }, async () => {
    const before = receiver.received.length
    const told = (event: string): Told | undefined =>
      receiver.received
        .slice(before)
        .filter(({ path }) => path === '/hook')
        .flatMap(verified)
        // By its code: the witnesses may agree on another name for the incident meanwhile.
        .find(
          ({ event: is, code, title }) => is === event && code === 'node-down' && title === 'gamma is down',
        )
    process.kill(gamma.pid, 'SIGSTOP')
    try {
      await waitFor('the fault to be told', () => told('opened') !== undefined, TOLD_MS)
    } finally {
      process.kill(gamma.pid, 'SIGCONT')
    }
    expect(told('opened')?.severity).toBe('critical')
    await waitFor('its end to be told', () => told('resolved') !== undefined, TOLD_MS)
    await linked(alpha, ['beta', 'gamma'])
    const sentTo = (path: string): string =>
      receiver.received
        .filter((post) => post.path === path)
        .map(({ text }) => text)
        .join()
    await waitFor(
      'the collector to have spans and lines',
      () =>
        ['x0t.handshake', 'x0t.operation'].every((name) => sentTo('/v1/traces').includes(name)) &&
        sentTo('/v1/logs').includes('"severityText":"INFO"'),
      TOLD_MS,
    )
  })

  it('closes every link of a revoked member within seconds and serves it nothing more', async () => {
    await alpha.json(['revoke', 'gamma'])
    for (const node of [alpha, beta]) {
      await waitFor(
        `${node.name} to drop gamma`,
        async () => linkTo(await node.json<Status>(['status']), 'gamma')?.state !== 'up',
        5_000,
      )
    }
    const before = site.requests()
    const fetched = await curl(`http://127.0.0.1:${port}${site.path}`)
    expect(fetched.code).not.toBe(0)
    expect(site.requests()).toBe(before)
    const check = await gamma.x0t(['status', '--check', 'ready'])
    expect(check.code).toBe(1)
  })

  it('leaves no process and no socket behind after down', async () => {
    expect((await beta.x0t(['down'])).code).toBe(0)
    await beta.exited
    const status = await x0t(['--home', beta.home, 'status', '--json'])
    expect(status.code).toBe(1)
    expect(JSON.parse(status.stdout)).toMatchObject({ schema: 1, error: { code: expect.any(String) } })
  })
})
