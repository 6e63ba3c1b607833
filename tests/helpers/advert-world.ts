import type { PeerId } from '../../node-core/domain/ids.ts'
import type { MembershipEvents, Standing } from '../../node-core/mesh/membership/events.ts'
import type { Item } from '../../node-core/mesh/membership/replica.ts'
import {
  type AdvertStore,
  type AdvertStoreOptions,
  createAdvertStore,
} from '../../node-core/mesh/routing/advert-store.ts'
import type { RoutingMembership } from '../../node-core/mesh/routing/ports.ts'
import type { Clock } from '../../node-core/platform/clock.ts'
import { createEmitter } from '../../node-core/platform/emitter.ts'
import { silentLogger } from '../../node-core/platform/logger.ts'
import { type LinkAdvert, type LinkAdvertBody, signLinkAdvert } from '../../node-core/security/link-advert.ts'
import { parsePolicy, STARTING_POLICY } from '../../node-core/security/policy-document.ts'
import { NOW_MS, securityWorld, type TestNode } from './security-world.ts'

export interface ToldMembership extends RoutingMembership {
  /** What was counted, against whom. */
  readonly misbehaviour: { readonly peer: PeerId; readonly what: string }[]
  /** Whom this node has not heard of yet. */
  readonly strangers: Set<PeerId>
  readonly standings: Map<PeerId, Standing>
}

/** Some members of one mesh with real keys, and what routing sees of membership, told by the test. */
export interface AdvertWorld {
  readonly nodes: readonly TestNode[]
  peer(index: number): PeerId
  membership(index: number): ToldMembership
  store(index: number, clock: Clock, options?: Partial<AdvertStoreOptions>): AdvertStore
  /** An advert of a node that links it to others at the given costs, microseconds. */
  advert(
    index: number,
    number: readonly [incarnation: number, seq: number],
    costs: Readonly<Record<number, number>>,
    changes?: Partial<LinkAdvertBody>,
  ): LinkAdvert
}

export function createAdvertWorld(size: number): AdvertWorld {
  const world = securityWorld()
  const reading = parsePolicy(STARTING_POLICY)
  if (!reading.ok) throw new Error('the starting policy can be read')
  const { policy } = reading
  const nodes = Array.from({ length: size }, () => world.member())
  const node = (index: number): TestNode => {
    const found = nodes[index]
    if (found === undefined) throw new RangeError(`there is no node ${index}`)
    return found
  }
  const peer = (index: number): PeerId => node(index).identity.peerId
  const byPeer = new Map(nodes.map((each) => [each.identity.peerId, each]))

  function membership(index: number): ToldMembership {
    const misbehaviour: ToldMembership['misbehaviour'] = []
    const strangers = new Set<PeerId>()
    const standings = new Map<PeerId, Standing>()
    const events = createEmitter<MembershipEvents>((error) => {
      throw error
    })
    const chainOf = (id: PeerId) => (strangers.has(id) ? undefined : byPeer.get(id)?.chain)
    return {
      ...{ self: peer(index), meshId: world.meshId, misbehaviour, strangers, standings, events },
      standing: (id) => (chainOf(id) === undefined ? 'unknown' : (standings.get(id) ?? 'member')),
      certificateOf: (id) => chainOf(id)?.leaf,
      policy: () => policy,
      noteMisbehaviour: (id, what) => void misbehaviour.push({ peer: id, what }),
      replica: {
        digest: () => [],
        read({ kind, name }): Item | undefined {
          const [id = '', rank] = name.split('/')
          const chain = chainOf(id as PeerId)
          return kind === 'certificate' && rank === '0' && chain !== undefined
            ? { kind, bytes: chain.bytes }
            : undefined
        },
        accept({ bytes }) {
          const found = nodes.find(({ chain }) => Buffer.compare(chain.bytes, bytes) === 0)
          if (found === undefined) return { kind: 'bad', why: 'certificate: malformed' }
          const id = found.identity.peerId
          if (!strangers.delete(id)) return { kind: 'known' }
          events.emit('memberChanged', { peer: id })
          return { kind: 'kept', news: { kind: 'certificate', peer: id, rank: 0 } }
        },
      },
    }
  }

  return {
    nodes,
    peer,
    membership,
    store: (index, clock, options = {}) =>
      createAdvertStore(
        { clock, logger: silentLogger, membership: membership(index) },
        { maxAgeMs: 3_600_000, ...options },
      ),
    advert: (index, [incarnation, seq], costs, changes = {}) =>
      signLinkAdvert(node(index).identity.key, {
        meshId: world.meshId,
        origin: peer(index),
        ...{ incarnation, seq },
        certificateHash: node(index).chain.leaf.hash,
        transit: true,
        links: Object.entries(costs)
          .map(([to, costUs]) => ({
            ...{ peer: peer(Number(to)), costUs },
            ...{ rttUs: costUs, lossPpm: 0, suite: '/x0t/noise-hfs/1/aesgcm' },
          }))
          .sort((a, b) => (a.peer < b.peer ? -1 : 1)),
        at: NOW_MS,
        ...changes,
      }),
  }
}
