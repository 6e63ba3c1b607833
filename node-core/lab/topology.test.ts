import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FaultError } from '../platform/error.ts'
import { MAX_LAB_NODES, parseNetworkGraph, parseTopologyText, type Topology } from './topology.ts'

function complaintOf(parse: () => Topology): string {
  try {
    parse()
    return 'no complaint'
  } catch (error) {
    if (error instanceof FaultError && error.code === 'LAB_TOPOLOGY') return error.message
    throw error
  }
}

/** What every topology promises, whatever it was read from. */
function expectSound({ nodes, links }: Topology): void {
  expect(new Set(nodes).size).toBe(nodes.length)
  const rank = new Map(nodes.map((name, at) => [name, at]))
  const pairs = links.map(({ a, b }) => {
    expect(rank.get(a) ?? Number.NaN).toBeLessThan(rank.get(b) ?? Number.NaN)
    return `${a} ${b}`
  })
  expect(new Set(pairs).size).toBe(pairs.length)
  for (const name of nodes.slice(1)) expect(links.some(({ b }) => b === name)).toBe(true)
}

const degrees = ({ nodes, links }: Topology): number[] =>
  nodes.map((name) => links.filter(({ a, b }) => a === name || b === name).length)

describe('a topology in words', () => {
  const count = fc.integer({ min: 3, max: 60 })

  it('ring:N has N links and two at each node', () => {
    fc.assert(
      fc.property(count, (n) => {
        const ring = parseTopologyText(`ring:${n}`)
        expectSound(ring)
        expect([ring.nodes.length, ring.links.length]).toEqual([n, n])
        expect(new Set(degrees(ring))).toEqual(new Set([2]))
      }),
    )
  })

  it('chain:N, star:N and full:N have the links of their shape', () => {
    fc.assert(
      fc.property(count, (n) => {
        for (const [kind, links, most] of [
          ['chain', n - 1, 2],
          ['star', n - 1, n - 1],
          ['full', (n * (n - 1)) / 2, n - 1],
        ] as const) {
          const topology = parseTopologyText(`${kind}:${n}`)
          expectSound(topology)
          expect(topology.links).toHaveLength(links)
          expect(Math.max(...degrees(topology))).toBe(most)
        }
      }),
    )
  })

  it('grid:RxC links each node to the one on its right and the one below', () => {
    const size = fc.integer({ min: 1, max: 15 })
    fc.assert(
      fc.property(size, size, (rows, columns) => {
        fc.pre(rows * columns >= 2)
        const grid = parseTopologyText(`grid:${rows}x${columns}`)
        expectSound(grid)
        expect(grid.nodes).toHaveLength(rows * columns)
        expect(grid.links).toHaveLength(rows * (columns - 1) + columns * (rows - 1))
      }),
    )
    expect(
      parseTopologyText('grid:2x2')
        .links.map(({ a, b }) => `${a}-${b}`)
        .sort(),
    ).toEqual(['n1-n2', 'n1-n3', 'n2-n4', 'n3-n4'].sort())
  })

  it('names nodes in the order in which people count them', () => {
    expect(parseTopologyText('chain:3').nodes).toEqual(['n1', 'n2', 'n3'])
  })

  it.each([
    ['ring:2', /needs at least 3 nodes/],
    ['chain:1', /needs at least 2 nodes/],
    ['grid:1x1', /needs at least 2 nodes/],
    ['grid:0x5', /needs at least 2 nodes/],
    [`full:${MAX_LAB_NODES + 1}`, /more than 256 nodes/],
    ['ring:', /not a known form/],
    ['ring:3x3', /not a known form/],
    ['toString:4', /not a known form/],
    ['constructor:3', /not a known form/],
    ['ring:-4', /not a known form/],
    ['', /not a known form/],
  ])('%s is refused with the reason', (text, reason) => {
    expect(complaintOf(() => parseTopologyText(text))).toMatch(reason)
  })
})

describe('a NetJSON NetworkGraph', () => {
  const graph = (nodes: object[], links: object[], more: object = {}): string =>
    JSON.stringify({
      type: 'NetworkGraph',
      protocol: 'static',
      version: null,
      metric: null,
      ...more,
      nodes,
      links,
    })

  it('gives nodes and links, each link once, whatever else it holds', () => {
    const topology = parseNetworkGraph(
      graph(
        [
          { id: '10.0.0.1', label: 'Gate West', properties: { gateway: true } },
          { id: '10.0.0.2', local_addresses: ['10.0.0.3'] },
        ],
        [
          { source: '10.0.0.1', target: '10.0.0.2', cost: 1 },
          { source: '10.0.0.2', target: '10.0.0.1', cost: 1.5, cost_text: '' },
        ],
        { label: 'two sites' },
      ),
    )
    expect(topology).toEqual({
      text: 'two sites',
      nodes: ['gate-west', '10-0-0-2'],
      links: [{ a: 'gate-west', b: '10-0-0-2' }],
    })
  })

  it('is sound for any connected graph, and keeps exactly its links', () => {
    const connected = fc.integer({ min: 2, max: 30 }).chain((n) =>
      fc.tuple(
        fc.shuffledSubarray(
          Array.from({ length: n }, (_, at) => at),
          { minLength: n },
        ),
        fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 60 }),
        fc.array(fc.nat(), { minLength: n, maxLength: n }),
      ),
    )
    fc.assert(
      fc.property(connected, ([order, extra, parents]) => {
        const tree = order.slice(1).map((at, index) => [at, order[(parents[index] ?? 0) % (index + 1)] ?? 0])
        const pairs = [...tree, ...extra.filter(([from, to]) => from !== to)]
        const topology = parseNetworkGraph(
          graph(
            order.map((at) => ({ id: `node-${at}` })),
            pairs.map(([from, to]) => ({ source: `node-${from}`, target: `node-${to}`, cost: 1 })),
          ),
        )
        expectSound(topology)
        const key = (ends: readonly (string | number | undefined)[]): string =>
          [...ends].map(String).sort().join(' ')
        expect(new Set(topology.links.map(({ a, b }) => key([a, b])))).toEqual(
          new Set(pairs.map(([from, to]) => key([`node-${from}`, `node-${to}`]))),
        )
      }),
    )
  })

  it.each([
    ['no JSON', '{', /not JSON/],
    ['another type', '{"type":"NetworkRoutes","nodes":[],"links":[]}', /type: is not NetworkGraph/],
    ['one node', graph([{ id: 'a' }], []), /fewer than 2 nodes/],
    [
      'an unknown end',
      graph([{ id: 'a' }, { id: 'b' }], [{ source: 'a', target: 'z', cost: 1 }]),
      /names the node 'z'/,
    ],
    ['a loop', graph([{ id: 'a' }, { id: 'b' }], [{ source: 'a', target: 'a' }]), /'a' has a link to itself/],
    ['one id twice', graph([{ id: 'a' }, { id: 'a' }], []), /two nodes of the graph have one id/],
    ['one name twice', graph([{ id: 'a.b' }, { id: 'a-b' }], []), /two nodes would be called 'a-b'/],
    ['an island', graph([{ id: 'a' }, { id: 'b' }], []), /'b' cannot be reached from 'a'/],
    ['no name', graph([{ id: '...' }, { id: 'b' }], []), /no node name can be made of '...'/],
    ['a missing list', '{"type":"NetworkGraph","nodes":[]}', /links: /],
  ])('with %s is refused with the reason', (_what, json, reason) => {
    expect(complaintOf(() => parseNetworkGraph(json))).toMatch(reason)
  })

  it('that is too large is refused before it is parsed', () => {
    expect(complaintOf(() => parseNetworkGraph(' '.repeat(1024 * 1024 + 1)))).toMatch(
      /more than 1048576 bytes/,
    )
  })
})
