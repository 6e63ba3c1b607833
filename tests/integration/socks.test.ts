import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Socks, Status } from '../../node-core/contract/schemas.ts'
import { curl, type Fetched } from '../helpers/curl.ts'
import { freePort, type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'

/** Of curl: the proxy refused. */
const CURLE_PROXY = 97

describe('curl and the SOCKS5 port of a node', () => {
  let mesh: MeshFixture
  let sites: { readonly beta: HttpSite; readonly gamma: HttpSite }
  let consumer: RunningNode
  let beta: RunningNode
  let gamma: RunningNode
  let port: number

  const fetch = (url: string): Promise<Fetched> => curl(url, ['--socks5-hostname', `127.0.0.1:${port}`])
  const served = ({ sha256, sizeBytes }: HttpSite) => ({ code: 0, sha256, sizeBytes })
  const hears = (count: number): Promise<void> =>
    waitFor(`${count} healthy providers`, async () => {
      const { items } = await consumer.json<{ items: { state: string }[] }>(['services'])
      return items.filter(({ state }) => state === 'healthy').length === count
    })

  beforeAll(async () => {
    mesh = await createMeshFixture()
    sites = { beta: await startHttpSite(2_000_000), gamma: await startHttpSite(2_000_000) }
    port = await freePort()
    await mesh.init('consumer')
    consumer = await mesh.up('consumer')
    for (const name of ['beta', 'gamma']) await mesh.join(name, consumer)
    beta = await mesh.up('beta')
    gamma = await mesh.up('gamma')
    await beta.json(['expose', 'site', '--to', sites.beta.target, '--check', 'http:/'])
    await gamma.json(['expose', 'site', '--to', sites.gamma.target, '--check', 'http:/'])
    await consumer.json(['socks', String(port)])
    await hears(2)
  })

  afterAll(async () => {
    await mesh?.stop()
    await Promise.all(Object.values(sites ?? {}).map((site) => site.close()))
  })

  it('fetches from a service by its name, without a port, with any port, and from one node', async () => {
    const { path } = sites.beta
    const any = [sites.beta.sha256, sites.gamma.sha256]
    expect(any).toContain((await fetch(`http://site.mesh${path}`)).sha256)
    expect(any).toContain((await fetch(`http://SITE.mesh:8443${path}`)).sha256)
    expect(await fetch(`http://site.beta.mesh${path}`)).toMatchObject(served(sites.beta))
    expect(await fetch(`http://site.gamma.mesh${path}`)).toMatchObject(served(sites.gamma))
  })

  it('refuses everything that is not in the mesh', async () => {
    const before = sites.beta.requests()
    for (const [url, reply] of [
      [`http://${sites.beta.target}/file.bin`, '(8)'],
      ['http://example.com/', '(2)'],
      [`http://localhost:${sites.beta.port}/file.bin`, '(2)'],
      ['http://nothing.mesh/', '(4)'],
      ['http://site.nobody.mesh/', '(4)'],
    ] as const) {
      const fetched = await fetch(url)
      expect({ url, ...fetched }).toMatchObject({ code: CURLE_PROXY, stderr: expect.stringContaining(reply) })
    }
    // The checks of its health go on, and ask for the front page alone.
    expect(sites.beta.requests() - before).toBeLessThan(10)
    await waitFor('the log to say so', () => consumer.stderr().includes('example.com'))
  })

  it('shows the port like a forward, and gives it back after a restart', async () => {
    const { items } = await consumer.json<{ items: Socks[] }>(['socks'])
    expect(items).toMatchObject([{ host: '127.0.0.1', port, state: 'listening' }])
    expect((await consumer.json<Status>(['status'])).socks).toEqual(items)
    expect((await consumer.x0t(['status'])).stdout).toContain(`127.0.0.1:${port}`)
    await consumer.stop()
    consumer = await mesh.up('consumer')
    await hears(2)
    expect(await fetch(`http://site.beta.mesh${sites.beta.path}`)).toMatchObject(served(sites.beta))
  })

  it('takes the next request to another provider when one is killed', async () => {
    beta.child.kill('SIGKILL')
    await beta.exited
    // Nobody has noticed yet, and the request is served all the same.
    expect(await fetch(`http://site.mesh${sites.gamma.path}`)).toMatchObject(served(sites.gamma))
    expect((await fetch(`http://site.beta.mesh${sites.beta.path}`)).code).toBe(CURLE_PROXY)
  })

  it('closes the port with unsocks', async () => {
    await consumer.json(['unsocks', String(port)])
    expect((await fetch('http://site.mesh/')).code).not.toBe(0)
    const again = await consumer.x0t(['unsocks', String(port), '--json'])
    expect(again.code).toBe(1)
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'SOCKS_NOT_FOUND' } })
  })
})
