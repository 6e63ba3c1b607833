import { describe, expect, it } from 'vitest'
import { nodeNameSchema, peerIdSchema } from '../../contract/schemas.ts'
import { judgeNetwork, type NetworkFacts } from './netcheck-verdict.ts'

const member = (name: string, reachable: boolean): NetworkFacts['members'][number] => ({
  peer: peerIdSchema.parse(`12D3KooW${'A'.repeat(44)}`),
  name: nodeNameSchema.parse(name),
  ...{ reachable, hops: reachable ? 1 : null, via: [], rttMs: null, suites: [] },
})
const address = '/ip4/192.0.2.1/tcp/4100'
const fine: NetworkFacts = {
  standing: 'member',
  maxSkewMs: 300_000,
  listen: { addresses: [address], announced: [address] },
  reach: {
    reachable: true,
    askedNode: nodeNameSchema.parse('boris'),
    results: [{ address, answered: true }],
    detail: null,
  },
  members: [member('boris', true), member('clara', true)],
  clock: { offsetMs: 12, neighbours: 2 },
}
const whats = (changes: Partial<NetworkFacts>): string[] =>
  judgeNetwork({ ...fine, ...changes }).map(({ what }) => what)

describe('the verdict on the network', () => {
  it('finds nothing wrong where nothing is', () => {
    expect(whats({})).toEqual([])
    expect(whats({ members: [], reach: { ...fine.reach, reachable: null } })).toEqual([])
    expect(whats({ reach: { ...fine.reach, reachable: null, results: [] } })).toEqual([])
  })

  it('names the members that are not reached, and tells one from all', () => {
    expect(whats({ members: [member('boris', true), member('clara', false)] })).toEqual([
      'This node does not reach clara.',
    ])
    expect(whats({ members: [member('boris', false), member('clara', false)] })).toEqual([
      'This node reaches none of the 2 other members.',
    ])
  })

  it('says which port to open when nobody can connect, and which setting when no address is told', () => {
    const closed = { ...fine.reach, reachable: false, results: [{ address, answered: false }] }
    const [problem] = judgeNetwork({ ...fine, reach: closed })
    expect(problem?.what).toBe('Others cannot connect to this node: boris has tried.')
    expect(problem?.todo).toContain('port 4100')
    const [untold] = judgeNetwork({ ...fine, reach: { ...closed, results: [] } })
    expect(untold?.todo).toContain('announce')
    expect(whats({ listen: { addresses: [], announced: [] } })[0]).toContain('listens on no address')
  })

  it('tells which way the clock is wrong, from five seconds on', () => {
    expect(whats({ clock: { offsetMs: 4_900, neighbours: 2 } })).toEqual([])
    expect(whats({ clock: { offsetMs: 7_000, neighbours: 2 } })[0]).toContain('7 s behind')
    const [ahead] = judgeNetwork({ ...fine, clock: { offsetMs: -400_000, neighbours: 1 } })
    expect(ahead?.what).toContain('400 s ahead of')
    expect(ahead?.todo).toContain('refused because of that')
  })

  it('puts the membership first, since nothing else can work without it', () => {
    const all = whats({
      standing: 'expired',
      members: [member('boris', false)],
      clock: { offsetMs: 1e6, neighbours: 1 },
    })
    expect(all[0]).toContain('is expired')
    expect(all).toHaveLength(3)
  })
})
