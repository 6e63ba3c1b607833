import { streamPair } from '@libp2p/utils'
import { afterEach, describe, expect, it } from 'vitest'
import { createAdvertWorld } from '../../../tests/helpers/advert-world.ts'
import { eventually } from '../../../tests/helpers/eventually.ts'
import { seededRandom } from '../../../tests/helpers/security-world.ts'
import type { LinkState } from '../../domain/link.ts'
import { systemClock } from '../../platform/clock.ts'
import { createEmitter } from '../../platform/emitter.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { LinkAdvert } from '../../security/link-advert.ts'
import { createFloodCodec } from '../flood/flood-messages.ts'
import { encodeFrame } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { LinkEvents } from '../links/link-table.ts'
import type { LinkView } from '../links/link-view.ts'
import { ADVERT_KINDS } from './advert-store.ts'
import { createRouting, type Routing } from './routing.ts'

const world = createAdvertWorld(5)
const [A, B, Z] = [1, 2, 3]

/** Node 0 with neighbours that the test plays. */
async function setUp(neighbours: readonly number[], noTransit: readonly number[] = []) {
  const told = world.membership(0)
  const membership: typeof told = {
    ...told,
    certificateOf(peer) {
      const certificate = told.certificateOf(peer)
      const isBarred = noTransit.some((index) => world.peer(index) === peer)
      return certificate && { ...certificate, transit: !isBarred }
    },
  }
  const states = new Map<number, LinkState>(neighbours.map((index) => [index, 'up']))
  const events = createEmitter<LinkEvents>((error) => {
    throw error
  })
  let handler: Parameters<PeerStreams['handle']>[1] = () => expect.fail('nobody serves')
  const streams: PeerStreams = {
    peers: () => [],
    onConnect: () => () => {},
    onDisconnect: () => () => {},
    open: () => Promise.reject(new Error('nobody is there')),
    async handle(_protocol, serve) {
      handler = serve
    },
    async unhandle() {},
  }
  const view = (index: number): LinkView => ({
    ...{ peer: world.peer(index), state: states.get(index) ?? 'down', rttMs: 1, sinceMs: 0, seenMs: 0 },
    ...{ jitterMs: 0, lossEstimate: 0, loss: undefined, clockOffsetMs: 0, suite: 's' },
    ...{ direction: 'outbound', address: '' },
  })
  const meta = new Map<string, string>()
  const routing = createRouting({
    ...{ streams, membership, clock: systemClock, random: seededRandom(1), logger: silentLogger },
    links: { links: () => neighbours.map(view), events },
    key: world.nodes[0]?.identity.key ?? expect.fail('no such node'),
    store: { get: (key) => meta.get(key), set: (key, value) => void meta.set(key, value) },
  })
  await routing.start()
  running.push(routing)
  const codec = createFloodCodec(ADVERT_KINDS)
  return {
    ...{ routing, membership, states },
    /** As a neighbour would on a stream of its own. */
    async say(from: number, ...adverts: readonly (LinkAdvert | Uint8Array)[]): Promise<void> {
      const [near, far] = await streamPair()
      handler(near, world.peer(from))
      for (const advert of adverts) {
        const bytes = advert instanceof Uint8Array ? advert : advert.bytes
        far.send(encodeFrame(codec.encode({ kind: 'items', items: [{ kind: 'advert', bytes }] })))
      }
    },
    paths: (to: number) =>
      routing
        .pathsTo(world.peer(to))
        .map((hops) => hops.map((hop) => [0, 1, 2, 3, 4].find((index) => world.peer(index) === hop))),
  }
}

const running: Routing[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((routing) => routing.stop()))
})

describe('the routes of one node', () => {
  const chain = [world.advert(A, [1, 1], { 0: 1_000, 3: 1_000 }), world.advert(Z, [1, 1], { 1: 1_000 })]

  it('come from the adverts that its neighbours pass on', async () => {
    const { say, paths } = await setUp([A])
    await say(A, ...chain)
    await eventually('the way to Z', () => paths(Z).length === 1)
    expect(paths(Z)).toEqual([[A, Z]])
  })

  it('never lead through a node that claims a right to carry which its certificate does not give', async () => {
    const { say, paths, routing } = await setUp([A], [A])
    await say(A, ...chain)
    await eventually('both to be heard', () => routing.topology().nodes.length === 3)
    await eventually(
      'the table to follow',
      () => routing.pathsBetween(world.peer(A), world.peer(Z)).length === 1,
    )
    expect(routing.topology().nodes.map(({ transit }) => transit)).toEqual([true, true, true])
    expect(paths(Z)).toEqual([])
    expect(paths(A)).toEqual([[A]])
  })

  it('do not lead over a node from the moment in which it is revoked', async () => {
    const { say, paths, membership } = await setUp([A])
    await say(A, ...chain)
    await eventually('the way to Z', () => paths(Z).length === 1)
    membership.standings.set(world.peer(A), 'revoked')
    expect(paths(Z)).toEqual([])
  })

  it('go around an own link that is gone before anybody was told so', async () => {
    const { say, paths, states, membership, routing } = await setUp([A, B])
    // The way over B shares A with the cheap one, so it is found only when the own link to A does not count.
    await say(
      A,
      world.advert(A, [1, 1], { 0: 1_000, 2: 1_000, 3: 1_000 }),
      world.advert(B, [1, 1], { 0: 1_000, 1: 1_000 }),
      world.advert(Z, [1, 1], { 1: 1_000 }),
    )
    await eventually('the way to Z', () => paths(Z).length === 1)
    expect(paths(Z)).toEqual([[A, Z]])
    states.set(A, 'down')
    expect(paths(Z)).toEqual([])
    const before = routing.counters().recomputed
    membership.events.emit('policyChanged', { version: 2 })
    await eventually('the table to follow', () => routing.counters().recomputed > before)
    expect(paths(Z)).toEqual([[B, A, Z]])
  })

  it('use a direct link that the other end has not advertised yet', async () => {
    const { paths, routing } = await setUp([A])
    expect(paths(A)).toEqual([[A]])
    expect(routing.routesTo(world.peer(A))[0]?.costUs).toBeUndefined()
  })

  it('come from nobody who keeps passing on what is forged', async () => {
    const { say, paths, membership } = await setUp([A, B])
    const forged = Array.from({ length: 8 }, (_, index) =>
      world.advert(4, [1, index + 1], { 0: 1 }, { origin: world.peer(Z) }),
    )
    await say(B, ...forged, ...chain)
    await eventually('all of it to be counted', () => membership.misbehaviour.length === 8)
    expect(new Set(membership.misbehaviour.map(({ peer }) => peer))).toEqual(new Set([world.peer(B)]))
    await say(A, ...chain)
    await eventually('the way that A tells of', () => paths(Z).length === 1)
    expect(membership.misbehaviour).toHaveLength(8)
  })
})
