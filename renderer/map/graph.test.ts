import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clusterGraph, groupsOf } from './cluster.ts'
import { type MapGraph, neighboursOf, neighbourTowards } from './graph.ts'

/** Rings of `size` machines, each tied to the next ring by one link. */
function ringsOf(rings: number, size: number): MapGraph {
  const nodes = Array.from({ length: rings * size }, (_, index) => ({
    ...{ id: `n${index}`, label: `n${index}`, self: index === 0, count: 1 },
    tone: index === 3 ? ('bad' as const) : ('good' as const),
  }))
  const edge = (from: number, to: number) => ({
    ...{ from, to, label: '', suite: '' },
    ...{ tone: 'good' as const, kind: 'direct' as const },
  })
  const inside = nodes.flatMap((_node, index) => {
    const ring = Math.floor(index / size) * size
    return Array.from({ length: 3 }, (_, step) => edge(index, ring + ((index - ring + step + 1) % size)))
  })
  const between = Array.from({ length: rings - 1 }, (_, ring) => edge(ring * size, (ring + 1) * size))
  return { nodes, edges: [...inside, ...between] }
}

describe('walking the map', () => {
  const positions = Float32Array.from([0, 0, 10, 0, 0, 10, -10, -1, 0, -10])

  it.each([
    ['right', 1],
    ['down', 2],
    ['left', 3],
    ['up', 4],
  ] as const)('%s leads to the neighbour that lies there', (direction, index) => {
    expect(neighbourTowards(positions, 0, [1, 2, 3, 4], direction)).toBe(index)
  })

  it('leads nowhere where no neighbour lies in that direction', () => {
    expect(neighbourTowards(positions, 0, [1], 'left')).toBeUndefined()
    expect(neighbourTowards(positions, 0, [], 'left')).toBeUndefined()
  })

  it('reaches every neighbour by one of the four arrows or not at all, never somebody else', () => {
    const place = fc.float({ min: -100, max: 100, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(place, { minLength: 6, maxLength: 20 }),
        fc.constantFrom('up' as const, 'down' as const, 'left' as const, 'right' as const),
        (places, direction) => {
          const found = neighbourTowards(Float32Array.from(places), 0, [1, 2], direction)
          expect([undefined, 1, 2]).toContain(found)
        },
      ),
    )
  })
})

describe('clusters', () => {
  const graph = ringsOf(40, 60)
  const groups = groupsOf(graph)

  it('are few enough to read, and the same each time', () => {
    const count = new Set(groups).size
    expect(count).toBeGreaterThan(1)
    expect(count).toBeLessThanOrEqual(120)
    expect(groupsOf(graph)).toEqual(groups)
  })

  it('hold every machine once, are as bad as the worst of them, and know where this node is', () => {
    const { graph: small } = clusterGraph(graph, groups, new Set(), String)
    expect(small.nodes.reduce((sum, { count }) => sum + count, 0)).toBe(graph.nodes.length)
    expect(small.nodes.filter(({ tone }) => tone === 'bad')).toHaveLength(1)
    expect(small.nodes.filter(({ self }) => self)).toHaveLength(1)
  })

  it('open to the machines in them, while the others stay closed', () => {
    const group = groups[3] ?? 0
    const { graph: opened } = clusterGraph(graph, groups, new Set([group]), String)
    const members = [...groups].filter((one) => one === group).length
    expect(opened.nodes.filter(({ count }) => count === 1).length).toBeGreaterThanOrEqual(members)
    expect(opened.nodes.some(({ id }) => id === 'n3')).toBe(true)
    for (const { from, to } of opened.edges) {
      expect(from).not.toBe(to)
      expect(opened.nodes[from]).toBeDefined()
      expect(opened.nodes[to]).toBeDefined()
    }
  })

  it('name the neighbours of each node once per link', () => {
    expect(neighboursOf(ringsOf(1, 5))[0]).toHaveLength(6)
  })
})
