import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '../../node-core/contract/schemas.ts'
import { homePaths } from '../../node-core/platform/home.ts'
import { createTestNetwork, type TestNetwork, whyNoNetwork } from '../helpers/network-namespaces.ts'
import { createMeshFixture, type MeshFixture, type RunningNode, waitFor } from '../helpers/x0t.ts'

const run = promisify(execFile)

/** Says what the multicast datagrams on the LAN of this namespace hold: one line of hex each. */
const LISTENER = `
  const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (datagram) => console.log(datagram.toString('hex')))
  socket.bind(5353, '0.0.0.0', () => {
    socket.addMembership('224.0.0.251', process.argv[1])
    setTimeout(() => process.exit(0), 6_000)
  })`

interface Peers {
  readonly items: { readonly link: { readonly state: string; readonly address: string } | null }[]
}

const reason = await whyNoNetwork()

describe.skipIf(reason !== undefined)(
  `two nodes on a LAN of their own${reason === undefined ? '' : ` (not run: ${reason})`}`,
  () => {
    let lan: TestNetwork
    let mesh: MeshFixture
    let anna: RunningNode
    let bert: RunningNode

    const up = (name: string, at: number): Promise<RunningNode> =>
      mesh.up(name, [], { namespace: lan.namespaces[at] as string })
    const linkOf = async (node: RunningNode): Promise<Status['links'][number] | undefined> =>
      (await node.json<Status>(['status'])).links[0]
    const linked = (node: RunningNode): Promise<void> =>
      waitFor(`${node.name} to be linked`, async () => (await linkOf(node))?.state === 'up', 30_000)
    const listenOnAll = (name: string, more = ''): Promise<void> =>
      writeFile(join(mesh.home(name), 'x0t.yaml'), `listen: [/ip4/0.0.0.0/tcp/0]\n${more}`)
    /** As after a year in a drawer: nothing that was known of where the other is. */
    const forgetAddresses = (name: string): void => {
      const database = new Database(homePaths(mesh.home(name)).database)
      database.exec(`
        DELETE FROM addresses;
        DELETE FROM node_records;
        UPDATE meta SET value = '' WHERE key = 'mesh.bootstrap';`)
      database.close()
    }

    beforeAll(async () => {
      lan = await createTestNetwork(2)
      mesh = await createMeshFixture()
      await lan.setAddress(0, '10.99.0.1')
      await lan.setAddress(1, '10.99.0.2')
      await mesh.init('anna')
      await listenOnAll('anna')
      anna = await up('anna', 0)
      await mesh.join('bert', anna, [], { namespace: lan.namespaces[1] as string })
      await listenOnAll('bert')
      bert = await up('bert', 1)
      await linked(bert)
    })

    afterAll(async () => {
      await mesh?.stop()
      await lan?.remove()
    })

    it('find each other again after both have moved, with empty address books', async () => {
      await Promise.all([anna.stop(), bert.stop()])
      await lan.setAddress(0, '10.99.0.101')
      await lan.setAddress(1, '10.99.0.102')
      forgetAddresses('anna')
      forgetAddresses('bert')
      // Without discovery there is nothing to find the other by.
      await listenOnAll('anna', 'discovery: { lan: false }\n')
      ;[anna, bert] = await Promise.all([up('anna', 0), up('bert', 1)])
      const untilMs = performance.now() + 4_000
      while (performance.now() < untilMs) expect((await linkOf(bert))?.state).not.toBe('up')

      await anna.stop()
      await listenOnAll('anna')
      anna = await up('anna', 0)
      await Promise.all([linked(anna), linked(bert)])
      const { items } = await bert.json<Peers>(['peers'])
      expect(items.find(({ link }) => link !== null)?.link?.address).toContain('/ip4/10.99.0.10')
    })

    it('find each other again when both move while they run', async () => {
      await Promise.all([lan.setAddress(0, '10.99.0.201'), lan.setAddress(1, '10.99.0.202')])
      for (const [node, other] of [[anna, '10.99.0.202'] as const, [bert, '10.99.0.201'] as const]) {
        await waitFor(
          `the link of ${node.name} to the new address`,
          async () => {
            const { items } = await node.json<Peers>(['peers'])
            return items.some(({ link }) => link?.state === 'up' && link.address.includes(other))
          },
          45_000,
        )
      }
    })

    it('tell others on the LAN nothing: neither who they are nor what their mesh is called', async () => {
      const namespace = lan.namespaces[0] as string
      const listening = run('ip', [
        ...['netns', 'exec', namespace],
        ...[process.execPath, '-e', LISTENER, '10.99.0.201'],
      ])
      // A restart makes a node ask and announce at once.
      await bert.stop()
      bert = await up('bert', 1)
      const datagrams = (await listening).stdout
        .trim()
        .split('\n')
        .map((line) => Buffer.from(line, 'hex'))
      expect(datagrams.length).toBeGreaterThanOrEqual(4)
      const { members } = await anna.json<Status>(['status'])
      const telling = ['test', ...members.flatMap(({ peer, name }) => [peer, name])]
      for (const datagram of datagrams) {
        expect(datagram.length).toBeLessThan(300)
        for (const text of telling) expect(datagram.includes(text)).toBe(false)
      }
    })

    it('leave nothing behind', async () => {
      await mesh.stop()
      await lan.remove()
      for (const namespace of lan.namespaces) expect(existsSync(`/run/netns/${namespace}`)).toBe(false)
    })
  },
)
