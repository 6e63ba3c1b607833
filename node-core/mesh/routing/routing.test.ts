import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import { costOf, disjointPaths, MAX_DISJOINT } from './disjoint-paths.ts'
import { MAX_LINKS, type Path, shortestPaths } from './shortest-path.ts'
import { buildTopology, type NodeLinks, type Topology } from './topology.ts'

const peer = (index: number): PeerId => `node-${String(index).padStart(4, '0')}` as PeerId

type Edge = readonly [number, number, number]

function adverts(size: number, edges: readonly Edge[], noTransit: readonly number[] = []): NodeLinks[] {
  return Array.from({ length: size }, (_, node) => ({
    origin: peer(node),
    transit: !noTransit.includes(node),
    links: edges
      .filter(([a, b]) => a === node || b === node)
      .map(([a, b, costUs]) => ({ peer: peer(a === node ? b : a), costUs })),
  }))
}

/** Every simple path from source to target that is short enough, by trying all. */
function allPaths(topology: Topology, source: number, target: number): Path[] {
  const found: Path[] = []
  const walk = (nodes: number[], costUs: number): void => {
    const node = nodes.at(-1) as number
    if (node === target) {
      found.push({ nodes: [...nodes], costUs })
      return
    }
    if (nodes.length > MAX_LINKS || (node !== source && topology.transit[node] === 0)) return
    for (let arc = topology.offsets[node] as number; arc < (topology.offsets[node + 1] as number); arc++) {
      const next = topology.targets[arc] as number
      if (!nodes.includes(next)) walk([...nodes, next], costUs + (topology.costsUs[arc] as number))
    }
  }
  walk([source], 0)
  return found
}

function disjoint(a: Path, b: Path): boolean {
  const inside = new Set(a.nodes.slice(1, -1))
  const bothDirect = a.nodes.length === 2 && b.nodes.length === 2
  return !bothDirect && b.nodes.slice(1, -1).every((node) => !inside.has(node))
}

const graphs = fc.integer({ min: 2, max: 8 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    edges: fc.uniqueArray(
      fc
        .tuple(
          fc.integer({ min: 0, max: size - 1 }),
          fc.integer({ min: 0, max: size - 1 }),
          fc.integer({ min: 1, max: 20 }),
        )
        .filter(([a, b]) => a < b),
      { maxLength: 18, selector: ([a, b]) => a * 100 + b },
    ),
    noTransit: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 2 }),
  }),
)

describe('paths against trying them all', () => {
  it('finds a cheapest path exactly where there is one', () => {
    fc.assert(
      fc.property(graphs, ({ size, edges, noTransit }) => {
        const topology = buildTopology(adverts(size, edges, noTransit))
        const tree = shortestPaths(topology, 0)
        for (let target = 1; target < size; target++) {
          const reference = allPaths(topology, 0, target).map((path) => path.costUs)
          const path = tree.pathTo(target)
          expect(path?.costUs).toBe(reference.length === 0 ? undefined : Math.min(...reference))
          if (path !== undefined) expect(new Set(path.nodes).size).toBe(path.nodes.length)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('finds two disjoint paths wherever two exist, and all it returns are real and disjoint', () => {
    fc.assert(
      fc.property(graphs, ({ size, edges, noTransit }) => {
        const topology = buildTopology(adverts(size, edges, noTransit))
        const every = allPaths(topology, 0, size - 1)
        const known = new Map(every.map((path) => [path.nodes.join(), path.costUs]))
        const paths = disjointPaths(topology, 0, size - 1)
        const pairExists = every.some((a) => every.some((b) => a !== b && disjoint(a, b)))
        expect(paths.length >= 2).toBe(pairExists)
        expect(paths.length > 0).toBe(every.length > 0)
        expect(paths.length).toBeLessThanOrEqual(MAX_DISJOINT)
        for (const [index, path] of paths.entries()) {
          expect(known.get(path.nodes.join())).toBe(path.costUs)
          for (const other of paths.slice(index + 1)) expect(disjoint(path, other)).toBe(true)
        }
      }),
      { numRuns: 600 },
    )
  })

  it('gives the same paths whatever the order in which the adverts came', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), ({ size, edges, noTransit }, turn) => {
        const said = adverts(size, edges, noTransit)
        const turned = [...said.slice(turn % size), ...said.slice(0, turn % size)].toReversed()
        const paths = disjointPaths(buildTopology(said), 0, size - 1)
        expect(disjointPaths(buildTopology(turned), 0, size - 1)).toEqual(paths)
      }),
    )
  })
})

describe('paths in a mesh that is wider than a path may be', () => {
  /** A ring and a few links across, half of it under suspicion, as while a mesh forms. */
  const wide = fc.integer({ min: 12, max: 40 }).chain((size) => {
    const costUs = fc.oneof(fc.integer({ min: 500, max: 40_000 }), fc.constant(20_000_500))
    return fc.record({
      size: fc.constant(size),
      around: fc.array(costUs, { minLength: size, maxLength: size }),
      across: fc.uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(size - 1), costUs), {
        ...{
          minLength: size >> 2,
          maxLength: size,
          selector: ([a, b]) => Math.min(a, b) * 100 + Math.max(a, b),
        },
      }),
    })
  })

  it('are found in bounded time, are real, and can fail apart', () => {
    fc.assert(
      fc.property(wide, ({ size, around, across }) => {
        const ring = around.map((costUs, node): Edge => [node, (node + 1) % size, costUs])
        const topology = buildTopology(adverts(size, [...ring, ...across.filter(([a, b]) => a !== b)]))
        const target = size >> 1
        const paths = disjointPaths(topology, 0, target)
        for (const [index, { nodes, costUs }] of paths.entries()) {
          expect([nodes[0], nodes.at(-1), new Set(nodes).size]).toEqual([0, target, nodes.length])
          expect(nodes.length).toBeLessThanOrEqual(MAX_LINKS + 1)
          const links = nodes.slice(1).map((node, at) => costOf(topology, nodes[at] as number, node))
          expect(links.reduce((sum, linkUs) => sum + linkUs, 0)).toBe(costUs)
          for (const other of paths.slice(index + 1)) expect(disjoint({ nodes, costUs }, other)).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
  })
})

describe('what a link needs to count', () => {
  const honest: Edge[] = [
    [0, 1, 10],
    [1, 2, 10],
  ]

  it('gives a liar nothing for a link that it advertises alone', () => {
    const said = adverts(4, honest)
    said[3] = {
      origin: peer(3),
      transit: true,
      links: [0, 2].map((node) => ({ peer: peer(node), costUs: 1 })),
    }
    const topology = buildTopology(said)
    expect(shortestPaths(topology, 0).pathTo(2)?.nodes).toEqual([0, 1, 2])
    expect(shortestPaths(topology, 0).pathTo(3)).toBeUndefined()
  })

  it('takes the larger of the two costs', () => {
    const said = adverts(2, [[0, 1, 10]])
    said[1] = { origin: peer(1), transit: true, links: [{ peer: peer(0), costUs: 500 }] }
    expect(shortestPaths(buildTopology(said), 0).pathTo(1)?.costUs).toBe(500)
  })

  it('takes a dearer path that is short enough when the cheapest has too many hops', () => {
    const chain: Edge[] = Array.from({ length: 9 }, (_, node) => [node, node + 1, 1])
    const topology = buildTopology(adverts(10, [...chain, [0, 8, 1000]]))
    expect(shortestPaths(topology, 0).pathTo(8)?.nodes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(shortestPaths(topology, 0).pathTo(9)?.nodes).toEqual([0, 8, 9])
  })

  it('returns the pair instead of the cheapest path alone in a trap topology', () => {
    // The cheapest path 0-1-2-3 uses both ways out; only 0-1-3 and 0-2-3 can fail apart.
    const trap: Edge[] = [
      [0, 1, 1],
      [1, 2, 1],
      [2, 3, 1],
      [0, 2, 5],
      [1, 3, 5],
    ]
    const paths = disjointPaths(buildTopology(adverts(4, trap)), 0, 3)
    expect(paths.map((path) => path.nodes).sort()).toEqual([
      [0, 1, 3],
      [0, 2, 3],
    ])
  })

  it('returns the pair also when the cheapest way of all is longer than a path may be', () => {
    // As above, but from 1 to 2 there is a detour of ten cheap links, which no path may take.
    const detour = [1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2]
    const trap: Edge[] = [
      [0, 1, 1],
      [1, 2, 100],
      [2, 3, 1],
      [0, 2, 1000],
      [1, 3, 1000],
      ...detour.slice(1).map((node, at): Edge => [detour[at] as number, node, 1]),
    ]
    const paths = disjointPaths(buildTopology(adverts(13, trap)), 0, 3)
    expect(paths.map((path) => path.nodes).sort()).toEqual([
      [0, 1, 3],
      [0, 2, 3],
    ])
  })
})
