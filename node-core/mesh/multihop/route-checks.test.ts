import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { securityWorld } from '../../../tests/helpers/security-world.ts'
import type { PeerId } from '../../domain/ids.ts'
import type { Policy, PolicyRule } from '../../security/policy.ts'
import type { Standing } from '../membership/events.ts'
import { isPathFit, judgeArrival, judgePath, mayCarry, type RouteMembership } from './route-checks.ts'

const world = securityWorld()
const CHAINS = Array.from({ length: 12 }, () => world.member())
const PEERS = CHAINS.map(({ chain }) => chain.leaf.peerId)
const peerAt = (index: number): PeerId => PEERS[index] as PeerId
const ALLOW: PolicyRule = { id: 'carry', allow: ['transit'], who: 'members' }

interface Facts {
  readonly rules?: readonly PolicyRule[]
  readonly standings?: Readonly<Record<PeerId, Standing>>
  readonly noTransit?: readonly PeerId[]
}

function membership({ rules = [ALLOW], standings = {}, noTransit = [] }: Facts = {}): RouteMembership {
  const policy: Policy = { version: 1, rules }
  return {
    standing: (peer) => standings[peer] ?? 'member',
    certificateOf(peer) {
      const certificate = CHAINS.find(({ chain }) => chain.leaf.peerId === peer)?.chain.leaf
      return certificate && { ...certificate, transit: !noTransit.includes(peer) }
    },
    policy: () => policy,
  }
}

describe('a path', () => {
  it('is fine with up to eight links and no node twice', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(PEERS, { minLength: 2, maxLength: 12 }), (path) => {
        expect(judgePath(path)).toBe(path.length <= 9 ? undefined : 'TOO_LONG')
      }),
    )
  })

  it('is a loop as soon as any node is on it twice', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(PEERS, { minLength: 2, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        (path, from, to) => {
          const again = path[from % path.length] as PeerId
          expect(judgePath(path.toSpliced(to % (path.length + 1), 0, again))).toBe('LOOP')
        },
      ),
    )
  })
})

describe('a header that arrives', () => {
  it('is only believed about this node and the previous hop, whatever else it says', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(PEERS, { minLength: 2, maxLength: 9 }),
        fc.nat(),
        fc.constantFrom(...PEERS),
        fc.constantFrom(...PEERS),
        (path, seed, self, previous) => {
          const at = 1 + (seed % (path.length - 1))
          const arrival = judgeArrival({ path, at }, self, previous)
          const isTrue = path[at] === self && path[at - 1] === previous
          if (!isTrue) expect(arrival).toEqual({ kind: 'refused', code: 'MISROUTED' })
          else if (at === path.length - 1) expect(arrival).toEqual({ kind: 'end' })
          else expect(arrival).toEqual({ kind: 'forward', next: path[at + 1] })
        },
      ),
    )
  })
})

describe('carrying a route', () => {
  const header = { path: [peerAt(0), peerAt(1), peerAt(2), peerAt(3)], at: 2 }

  it('is allowed by certificate and policy together', () => {
    expect(mayCarry(membership(), header)).toBe(true)
    expect(mayCarry(membership({ rules: [] }), header)).toBe(false)
    expect(mayCarry(membership({ noTransit: [peerAt(2)] }), header)).toBe(false)
  })

  it('is refused when the policy denies it to the previous hop, whoever is named as the source', () => {
    const rules: PolicyRule[] = [ALLOW, { id: 'no', deny: ['transit'], who: { nodes: [peerAt(1)] } }]
    expect(mayCarry(membership({ rules }), header)).toBe(false)
    expect(mayCarry(membership({ rules }), { path: PEERS.slice(1, 4), at: 1 })).toBe(false)
  })

  it('is refused when the policy denies it to the source that the route names', () => {
    const rules: PolicyRule[] = [ALLOW, { id: 'no', deny: ['transit'], who: { nodes: [peerAt(0)] } }]
    expect(mayCarry(membership({ rules }), header)).toBe(false)
  })

  it('is refused when the policy denies it at this node', () => {
    const at = { nodes: [peerAt(2)] }
    const rules: PolicyRule[] = [ALLOW, { id: 'no', deny: ['transit'], who: 'members', at }]
    expect(mayCarry(membership({ rules }), header)).toBe(false)
    expect(mayCarry(membership({ rules }), { path: PEERS.slice(0, 3), at: 1 })).toBe(true)
  })

  it('is refused when anyone on the path is expelled', () => {
    for (const peer of header.path) {
      for (const standing of ['revoked', 'expired'] as const) {
        expect(mayCarry(membership({ standings: { [peer]: standing } }), header)).toBe(false)
      }
    }
  })

  it('is refused when this node does not know the previous hop as a member', () => {
    expect(mayCarry(membership({ standings: { [peerAt(1)]: 'unknown' } }), header)).toBe(false)
  })
})

describe('the middle of a path', () => {
  it('has only nodes whose certificates permit transit; the ends need none', () => {
    const path = PEERS.slice(0, 4)
    expect(isPathFit(membership({ noTransit: [peerAt(0), peerAt(3)] }), path)).toBe(true)
    expect(isPathFit(membership({ noTransit: [peerAt(1)] }), path)).toBe(false)
    expect(isPathFit(membership({ noTransit: [peerAt(2)] }), path)).toBe(false)
  })
})
