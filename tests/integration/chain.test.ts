import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PingResult, Status } from '../../node-core/contract/schemas.ts'
import { decodeToken, encodeToken } from '../../node-core/security/invite.ts'
import { curl } from '../helpers/curl.ts'
import { freePort, type HttpSite, startHttpSite } from '../helpers/http-site.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor, x0t } from '../helpers/x0t.ts'

/** The token that names no other address than these, as if nothing else could be reached from the joiner's place. */
function only(token: string, addresses: readonly string[]): string {
  const reading = decodeToken(token)
  if (reading.kind !== 'invite') throw new Error('the invite cannot be read')
  return encodeToken({ ...reading.invite, secret: reading.invite.secret, addresses: [...addresses] })
}

/**
 * Neighbours alone know where each other is: nobody announces addresses, each node is told its predecessor's.
 */
describe('a chain in which only neighbours can reach each other', () => {
  let mesh: MeshFixture
  let site: HttpSite
  const nodes: RunningNode[] = []
  const NAMES = ['first', 'second', 'third', 'fourth'] as const

  const quiet = async (name: string): Promise<void> => {
    await mkdir(mesh.home(name), { recursive: true, mode: 0o700 })
    await writeFile(`${mesh.home(name)}/x0t.yaml`, 'announce: []\n', { mode: 0o600 })
  }

  beforeAll(async () => {
    mesh = await createMeshFixture()
    site = await startHttpSite(2_000_000)
    await quiet('first')
    await mesh.init('first')
    nodes.push(await mesh.up('first'))
    for (const name of NAMES.slice(1)) {
      const [issuer, last] = [nodes[0], nodes.at(-1)]
      if (issuer === undefined || last === undefined) throw new Error('the chain is empty')
      const { token } = await issuer.json<{ token: string }>(['invite', '--role', 'operator'])
      const { peerId } = (await last.json<Status>(['status'])).node
      const near = await addressesOf(last, peerId)
      await quiet(name)
      const joined = await x0t(['--home', mesh.home(name), 'join', '-', '--name', name], {
        input: only(token, near),
        timeoutMs: 60_000,
      })
      expect(joined.code, joined.stderr).toBe(0)
      nodes.push(await mesh.up(name))
      await waitFor(`${name} to be linked`, async () => {
        const { links } = await (nodes.at(-1) as RunningNode).json<Status>(['status'])
        return links.some((link) => link.state === 'up')
      })
    }
  }, 120_000)

  async function addressesOf(node: RunningNode, peerId: string): Promise<string[]> {
    // It exits with 1, because a node that announces nothing is not what one wants; the addresses are told all the same.
    const { stdout } = await node.x0t(['netcheck', '--json'])
    const { listen } = JSON.parse(stdout) as { listen: { addresses: string[] } }
    return listen.addresses.map((address) => `${address}/p2p/${peerId}`)
  }

  afterAll(async () => {
    await mesh?.stop()
    await site?.close()
  })

  it('forms from invites alone, each carried to the issuer by the node before', async () => {
    const [first, , , fourth] = nodes
    await waitFor('the ends to know a path to each other', async () => {
      const { members } = await (first as RunningNode).json<Status>(['status'])
      return members.filter((member) => member.reachable).length === NAMES.length
    })
    const { links, members } = await (fourth as RunningNode).json<Status>(['status'])
    expect(links.filter((link) => link.state === 'up').map((link) => link.name)).toEqual(['third'])
    expect(members.find((member) => member.name === 'first')?.hops).toBe(3)
  })

  it('pings over the hops between and names them', async () => {
    const ping = await (nodes[3] as RunningNode).x0t(['ping', 'first', '-c', '1'])
    expect(ping.code, ping.stderr).toBe(0)
    expect(ping.stdout).toMatch(/^pong from first \(path: via third, second\) in [\d.]+ ms$/m)
    const json = await (nodes[3] as RunningNode).json<{ items?: PingResult[] }>(['ping', 'second', '-c', '1'])
    expect(JSON.stringify(json)).toContain('third')
  })

  it('serves a file from one end to the other', async () => {
    const port = await freePort()
    await (nodes[3] as RunningNode).json(['expose', 'site', '--to', site.target])
    await waitFor('the service to be known', async () => {
      const { items } = await (nodes[0] as RunningNode).json<{ items: { name: string }[] }>(['services'])
      return items.some((service) => service.name === 'site')
    })
    await (nodes[0] as RunningNode).json(['forward', String(port), 'site'])
    const fetched = await curl(`http://127.0.0.1:${port}${site.path}`)
    expect(fetched).toMatchObject({ code: 0, sha256: site.sha256 })
  })
})
