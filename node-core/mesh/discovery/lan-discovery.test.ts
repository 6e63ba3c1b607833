import { beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { createTestLan, type TestLan } from '../../../tests/helpers/lan.ts'
import { createManualClock, type ManualClock } from '../../../tests/helpers/manual-clock.ts'
import { NOW_MS, securityWorld, type TestNode } from '../../../tests/helpers/security-world.ts'
import type { PeerId } from '../../domain/ids.ts'
import { silentLogger } from '../../platform/logger.ts'
import { systemRandom } from '../../platform/random.ts'
import { sealAnnouncement } from './announcement.ts'
import { createLanDiscovery, type LanDiscovery } from './lan-discovery.ts'
import { isOnLink, lanInterfaces, listensOnLan, portAt } from './lan-interfaces.ts'
import { createLanTags } from './lan-tag.ts'
import { encodeAnswer, encodeQuery } from './mdns-packet.ts'

const PORT = 4100
const world = securityWorld()
const nodes = [world.member(), world.member()] as const
const stranger = world.member()

interface Here {
  readonly discovery: LanDiscovery
  readonly machine: ReturnType<TestLan['machine']>
  readonly found: PeerId[]
}

let lan: TestLan
let clock: ManualClock
let listening: string[]
let strangers: Set<PeerId>

beforeEach(() => {
  lan = createTestLan()
  clock = createManualClock(NOW_MS)
  listening = [`/ip4/0.0.0.0/tcp/${PORT}`]
  strangers = new Set([stranger.identity.peerId])
})

async function startAt(address: string, { identity }: TestNode, announces = true): Promise<Here> {
  const machine = lan.machine(address)
  const discovery = createLanDiscovery(
    {
      clock,
      random: systemRandom,
      logger: silentLogger,
      wire: machine.wire,
      identity,
      membership: {
        meshId: world.meshId,
        standing: (peer) => (strangers.has(peer) ? 'unknown' : 'member'),
      },
      listenAddresses: () => listening,
    },
    { announces },
  )
  const found: PeerId[] = []
  discovery.onFound((peer) => found.push(peer))
  await discovery.start()
  return { discovery, machine, found }
}

/** Lets pass the time, and what waits for promises in between. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 500) {
    clock.advance(Math.min(500, left))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
const answers = (): number => lan.sent.filter(({ datagram }) => datagram[2] === 0x84).length
const peerOf = ({ identity }: TestNode): PeerId => identity.peerId

/** What somebody says who knows the mesh. */
async function spoken(by: TestNode, address: string, at = clock.now(), port = PORT): Promise<Uint8Array> {
  const [tag] = createLanTags(world.meshId)(clock.now())
  const sealing = { random: systemRandom, key: by.identity.libp2pKey, meshId: world.meshId }
  const content = await sealAnnouncement(sealing, tag, { peer: peerOf(by), address, port, at })
  return encodeAnswer(tag.label, content)
}

describe('two nodes on one LAN', () => {
  it('find each other within seconds, and a new address within seconds of the change', async () => {
    const [one, two] = [await startAt('10.0.0.1', nodes[0]), await startAt('10.0.0.2', nodes[1])]
    await pass(4_000)
    expect(one.discovery.of(peerOf(nodes[1]))).toEqual([`/ip4/10.0.0.2/tcp/${PORT}`])
    expect(two.discovery.of(peerOf(nodes[0]))).toEqual([`/ip4/10.0.0.1/tcp/${PORT}`])
    expect([one.found, two.found]).toEqual([[peerOf(nodes[1])], [peerOf(nodes[0])]])

    two.machine.move('10.0.0.77')
    await pass(6_000)
    expect(one.discovery.of(peerOf(nodes[1]))[0]).toBe(`/ip4/10.0.0.77/tcp/${PORT}`)
    expect(one.found).toEqual([peerOf(nodes[1]), peerOf(nodes[1])])
  })

  it('know of each other for as long as both speak, and forget who is silent', async () => {
    const [one, two] = [await startAt('10.0.0.1', nodes[0]), await startAt('10.0.0.2', nodes[1])]
    await pass(20 * 60_000)
    expect(one.discovery.of(peerOf(nodes[1]))).toHaveLength(1)
    expect(one.found).toHaveLength(1)
    expect(one.discovery.counts()).toEqual({ found: 1, strangers: 0, flooded: 0, forged: 0 })
    await two.discovery.stop()
    await pass(6 * 60_000)
    expect(one.discovery.of(peerOf(nodes[1]))).toEqual([])
  })

  it('say little when nothing happens: one packet a minute each', async () => {
    await startAt('10.0.0.1', nodes[0])
    await startAt('10.0.0.2', nodes[1])
    await pass(10_000)
    const before = lan.sent.length
    await pass(10 * 60_000)
    expect(lan.sent.length - before).toBeLessThanOrEqual(20)
    expect(lan.sent.length - before).toBeGreaterThanOrEqual(14)
  })

  it('find each other over the turn of the hour, with clocks that differ', async () => {
    clock.setWall(Math.ceil(NOW_MS / 3_600_000 + 1) * 3_600_000 - 1_000)
    const one = await startAt('10.0.0.1', nodes[0])
    const early = await spoken(nodes[1], '10.0.0.2')
    await pass(3_000)
    lan.inject('10.0.0.2', early)
    await eventually('it is heard', () => one.found.length === 1)
  })

  it('stay silent when told to, and listen all the same', async () => {
    const quiet = await startAt('10.0.0.1', nodes[0], false)
    await startAt('10.0.0.2', nodes[1])
    await pass(4_000)
    expect(quiet.found).toEqual([peerOf(nodes[1])])
    expect(lan.sent.filter(({ from, datagram }) => from === '10.0.0.1' && datagram[2] === 0x84)).toEqual([])
  })

  it('leave the LAN alone when they listen on the loopback, or no longer belong to the mesh', async () => {
    listening = [`/ip4/127.0.0.1/tcp/${PORT}`]
    await startAt('10.0.0.1', nodes[0])
    await pass(120_000)
    expect(lan.sent).toEqual([])
    listening = [`/ip4/0.0.0.0/tcp/${PORT}`]
    await startAt('10.0.0.3', stranger)
    await pass(5_000)
    expect(lan.sent.filter(({ from, datagram }) => from === '10.0.0.3' && datagram[2] === 0x84)).toEqual([])
  })

  it('try again for ever when the port cannot be had, and end clean', async () => {
    const machine = lan.machine('10.0.0.1')
    machine.block(true)
    const here = await startAt('10.0.0.2', nodes[1])
    here.machine.block(true)
    here.machine.move('10.0.0.9')
    await pass(3_000)
    const before = lan.sent.length
    here.machine.block(false)
    await pass(60_000)
    expect(lan.sent.length).toBeGreaterThan(before)
    await here.discovery.stop()
    await here.discovery.stop()
    const after = lan.sent.length
    await pass(120_000)
    expect(lan.sent).toHaveLength(after)
    expect(clock.timers).toBe(0)
  })
})

describe('what others say on the LAN', () => {
  it('is nothing when they are strangers, however well they know the mesh', async () => {
    const one = await startAt('10.0.0.1', nodes[0])
    lan.inject('10.0.0.66', await spoken(stranger, '10.0.0.66'))
    await eventually('it is counted', () => one.discovery.counts().strangers === 1)
    expect(one.discovery.of(peerOf(stranger))).toEqual([])
  })

  it('is nothing when it is repeated from another place, or signed by another', async () => {
    const one = await startAt('10.0.0.1', nodes[0])
    const said = await spoken(nodes[1], '10.0.0.2')
    lan.inject('10.0.0.66', said)
    const [tag] = createLanTags(world.meshId)(clock.now())
    const forged = await sealAnnouncement(
      { random: systemRandom, key: stranger.identity.libp2pKey, meshId: world.meshId },
      tag,
      { peer: peerOf(nodes[1]), address: '10.0.0.66', port: PORT, at: clock.now() },
    )
    lan.inject('10.0.0.66', encodeAnswer(tag.label, forged))
    await eventually('both are counted', () => one.discovery.counts().forged === 2)
    expect(one.found).toEqual([])
    lan.inject('10.0.0.2', said)
    await eventually('the true one is heard', () => one.found.length === 1)
  })

  it('is old when something later was said of the same place', async () => {
    const one = await startAt('10.0.0.1', nodes[0])
    const [old, late] = [
      await spoken(nodes[1], '10.0.0.2'),
      await spoken(nodes[1], '10.0.0.2', clock.now() + 1_000),
    ]
    lan.inject('10.0.0.2', late)
    await eventually('it is heard', () => one.found.length === 1)
    // Repeated for ever, the old one does not keep a node that has gone in the book.
    for (let minute = 0; minute < 6; minute++) {
      await pass(60_000)
      lan.inject('10.0.0.2', old)
    }
    expect(one.discovery.of(peerOf(nodes[1]))).toEqual([])
  })

  it('is limited for each, so that a flood drowns out nobody else', async () => {
    const one = await startAt('10.0.0.1', nodes[0])
    const [tag] = createLanTags(world.meshId)(clock.now())
    for (let index = 0; index < 5_000; index++) {
      lan.inject('10.0.0.66', encodeAnswer(tag.label, systemRandom.bytes(180)))
    }
    expect(one.discovery.counts()).toMatchObject({ forged: 20, flooded: 4_980 })
    lan.inject('10.0.0.2', await spoken(nodes[1], '10.0.0.2'))
    await eventually('it is heard', () => one.found.length === 1)
  })

  it('makes a node answer at most once a second', async () => {
    await startAt('10.0.0.1', nodes[0])
    await pass(5_000)
    const before = answers()
    const [tag] = createLanTags(world.meshId)(clock.now())
    for (let second = 0; second < 10; second++) {
      for (let index = 0; index < 50; index++) lan.inject(`10.0.0.${index + 2}`, encodeQuery(tag.label))
      await pass(1_000)
    }
    expect(answers() - before).toBeLessThanOrEqual(12)
    expect(answers() - before).toBeGreaterThanOrEqual(8)
  })

  it('takes a bounded place, however many addresses a member claims', async () => {
    const one = await startAt('10.0.0.1', nodes[0])
    for (let index = 0; index < 12; index++) {
      lan.inject('10.0.0.2', await spoken(nodes[1], '10.0.0.2', clock.now(), 5_000 + index))
      await pass(500)
    }
    expect(one.discovery.of(peerOf(nodes[1]))).toHaveLength(4)
  })
})

describe('the interfaces of a machine', () => {
  const of = (address: string, cidr: string, internal = false) => ({
    ...{ address, cidr, internal, netmask: '', mac: '', family: 'IPv4' as const },
  })

  it('are LANs unless they are the loopback or lead to one other end', () => {
    const all = {
      lo: [of('127.0.0.1', '127.0.0.1/8', true)],
      eth0: [of('192.168.1.5', '192.168.1.5/24')],
      tun0: [of('10.8.0.2', '10.8.0.2/32')],
    }
    expect(lanInterfaces(all)).toEqual([{ address: '192.168.1.5', prefix: 24 }])
  })

  it('have the port that is bound there', () => {
    const bound = ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.5/tcp/2', '/ip6/::/tcp/3']
    expect(portAt('192.168.1.5', bound)).toBe(2)
    expect(portAt('192.168.1.6', bound)).toBeUndefined()
    expect(portAt('192.168.1.6', ['/ip4/0.0.0.0/tcp/9'])).toBe(9)
    expect([['/ip4/127.0.0.1/tcp/0'], ['/ip6/::/tcp/0'], ['/ip4/0.0.0.0/tcp/0']].map(listensOnLan)).toEqual([
      false,
      false,
      true,
    ])
  })

  it('are on one link with the addresses of their network alone', () => {
    const here = [{ address: '192.168.1.5', prefix: 24 }]
    expect(
      ['192.168.1.200', '192.168.2.1', '8.8.8.8', 'fe80::1'].map((from) => isOnLink(from, here)),
    ).toEqual([true, false, false, false])
  })
})
