import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { dialAddresses, startTestHost, type TestHost } from '../../../tests/helpers/mesh-hosts.ts'
import type { PeerId } from '../../domain/ids.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createReach, type Reach, type ReachDeps } from './reach.ts'

const SIGNAL = (): AbortSignal => AbortSignal.timeout(10_000)

describe('asking a neighbour to connect back', () => {
  const hosts: TestHost[] = []
  const servers: Server[] = []
  afterEach(async () => {
    for (const server of servers.splice(0)) server.close()
    await Promise.all(hosts.splice(0).map(({ host }) => host.stop()))
  })

  /** An asker and a neighbour that knows these addresses of it from its record. */
  async function pair(
    addressesOf: (asker: TestHost) => readonly string[],
    addressOf?: ReachDeps['addressOf'],
  ): Promise<{ asker: TestHost; neighbour: PeerId; ask: () => ReturnType<Reach['ask']> }> {
    const [asker, other] = [await startTestHost(), await startTestHost()]
    hosts.push(asker, other)
    const make = ({ host }: TestHost): Reach =>
      createReach({
        ...{ clock: systemClock, logger: silentLogger, streams: host },
        membership: {
          nodeRecord: (peer) => (peer === asker.host.peerId ? { addresses: addressesOf(asker) } : undefined),
        },
        addressOf: addressOf ?? ((peer) => host.connections.of(peer)?.address),
      })
    const [mine, theirs] = [make(asker), make(other)]
    await Promise.all([mine.start(), theirs.start()])
    await asker.host.dial(dialAddresses(other.host), SIGNAL())
    const neighbour = other.host.peerId
    return { asker, neighbour, ask: () => mine.ask(neighbour, SIGNAL()) }
  }
  async function listen(onConnect: (write: (text: string) => void) => void): Promise<string> {
    const server = createServer((socket) => onConnect((text) => void socket.write(text, 'latin1')))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('not a TCP address')
    return `/ip4/127.0.0.1/tcp/${address.port}`
  }

  it('tells which of the own addresses a node answers on', async () => {
    const dead = '/ip4/127.0.0.1/tcp/1'
    const { asker, ask } = await pair(({ host }) => [...host.listenAddresses(), dead])
    const [alive = ''] = asker.host.listenAddresses()
    expect(await ask()).toEqual({
      kind: 'tried',
      results: [
        { address: alive, answered: true },
        { address: dead, answered: false },
      ],
    })
  })

  it('says no more than that no libp2p listener is there about any other port', async () => {
    let knocks = 0
    const ssh = await listen((write) => {
      knocks += 1
      write('SSH-2.0-OpenSSH_9.9 with a banner that is long enough\r\n')
    })
    const { ask } = await pair(() => [ssh])
    expect(await ask()).toEqual({ kind: 'tried', results: [{ address: ssh, answered: false }] })
    expect(knocks).toBe(1)
  })

  it('tries at most four addresses, and does not do it again at once', async () => {
    let knocks = 0
    const ports = await Promise.all(
      Array.from({ length: 6 }, () =>
        listen((write) => {
          knocks += 1
          write('no')
        }),
      ),
    )
    const { ask } = await pair(() => [...ports.slice(0, 5), 'not an address'])
    const [first, second] = [ask(), ask()]
    const kinds = (await Promise.all([first, second])).map(({ kind }) => kind)
    expect(kinds.toSorted()).toEqual(['busy', 'tried'])
    expect(knocks).toBe(4)
  })

  it('does not knock at its own loopback for a node on another machine', async () => {
    let knocks = 0
    const local = await listen(() => {
      knocks += 1
    })
    const { ask } = await pair(
      () => [local],
      () => '/ip4/192.0.2.7/tcp/4001',
    )
    expect(await ask()).toEqual({ kind: 'tried', results: [] })
    expect(knocks).toBe(0)
  })
})
