import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAdvertWorld } from '../../../tests/helpers/advert-world.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { seededRandom } from '../../../tests/helpers/security-world.ts'
import type { LinkAdvert } from '../../security/link-advert.ts'
import { type Item, isNewer } from '../flood/replica.ts'
import type { AdvertKind, AdvertStore } from './advert-store.ts'
import { createPathTable } from './path-table.ts'
import { buildTopology, type NodeLinks, type Topology } from './topology.ts'

const SIZE = 6
const world = createAdvertWorld(SIZE)
const everyone = Array.from({ length: SIZE }, (_, index) => index)
type Edge = readonly [a: number, b: number, costUs: number]

const graphs = fc.uniqueArray(
  fc.tuple(fc.nat(SIZE - 1), fc.nat(SIZE - 1), fc.integer({ min: 1, max: 50_000 })).filter(([a, b]) => a < b),
  { minLength: 2, maxLength: 12, selector: ([a, b]) => a * SIZE + b },
)

const costsOf = (edges: readonly Edge[], node: number): Record<number, number> =>
  Object.fromEntries(
    edges.flatMap(([a, b, costUs]) => (a === node ? [[b, costUs]] : b === node ? [[a, costUs]] : [])),
  )
const topologyOf = (adverts: readonly NodeLinks[]): Topology =>
  buildTopology(adverts.map(({ origin, transit, links }) => ({ origin, transit, links })))

/**
 * Nodes that pass adverts on around a ring of neighbours, in an order and with losses, repeats and delays that a seed
 * decides, and at the end compare what they hold until nobody has anything that a neighbour lacks.
 */
function simulate(seed: number) {
  const random = seededRandom(seed)
  const clock = createManualClock()
  const stores = everyone.map((index) => world.store(index, clock))
  const queue: { readonly to: number; readonly from: number; readonly item: Item<AdvertKind> }[] = []
  // A ring: no single node can keep the others from hearing of each other.
  const neighbours = (index: number): number[] => [(index + SIZE - 1) % SIZE, (index + 1) % SIZE]
  const at = (index: number): AdvertStore => stores[index] ?? expect.fail(`there is no node ${index}`)

  for (const [index, store] of stores.entries()) {
    store.events.on('news', (news) => {
      const item = store.read(news)
      if (item === undefined) return
      for (const to of neighbours(index)) queue.push({ to, from: index, item })
    })
  }
  const drain = (): void => {
    while (queue.length > 0) {
      const [sent] = queue.splice(Math.floor(random.unit() * queue.length), 1)
      if (sent === undefined) return
      const fate = random.unit()
      if (fate < 0.2) continue
      if (fate > 0.8) queue.push(sent)
      at(sent.to).accept(sent.item, world.peer(sent.from))
    }
  }
  const compare = (): boolean => {
    let anything = false
    for (const from of everyone) {
      for (const to of neighbours(from)) {
        const theirs = new Map(
          at(to)
            .digest()
            .map((line) => [`${line.kind} ${line.name}`, line]),
        )
        for (const mine of at(from).digest()) {
          if (!isNewer(mine, theirs.get(`${mine.kind} ${mine.name}`))) continue
          const item = at(from).read(mine)
          const outcome = item && at(to).accept(item, world.peer(from))
          anything ||= outcome?.kind === 'kept'
        }
      }
    }
    return anything
  }
  return {
    stores,
    /** Gives an advert to a node as if a neighbour had passed it on. */
    inject: (to: number, { bytes }: Pick<LinkAdvert, 'bytes'>, from = 0) =>
      queue.push({ to, from, item: { kind: 'advert', bytes } }),
    settle(): void {
      drain()
      for (let round = 0; round < 50 && compare(); round++) drain()
      clock.advance(50_000)
      for (const store of stores) store.tick()
      drain()
      for (let round = 0; round < 50 && compare(); round++) drain()
    },
  }
}

describe('once the adverts have settled', () => {
  it('every node knows the same topology and the same paths, whatever was lost, repeated, late or forged', () => {
    fc.assert(
      fc.property(graphs, graphs, fc.nat(), fc.nat(SIZE - 1), (before, after, seed, victim) => {
        const mesh = simulate(seed)
        for (const node of everyone) {
          mesh.inject(node, world.advert(node, [2, 1], costsOf(after, node)))
          // Old news, on its way for long.
          mesh.inject((node + 3) % SIZE, world.advert(node, [1, 9], costsOf(before, node)))
        }
        const forger = (victim + 1) % SIZE
        mesh.inject(
          victim,
          world.advert(forger, [9, 9], { [(victim + 2) % SIZE]: 1 }, { origin: world.peer(victim) }),
          forger,
        )
        // A node takes its own advert from others only to jump above it: it has published it itself.
        for (const [node, store] of mesh.stores.entries()) {
          store.publish(world.advert(node, [2, 1], costsOf(after, node)))
        }
        mesh.settle()
        const expected = topologyOf(everyone.map((node) => world.advert(node, [2, 1], costsOf(after, node))))
        for (const store of mesh.stores) {
          const topology = topologyOf(store.counting())
          expect(topology).toEqual(expected)
          for (const from of everyone) {
            const paths = createPathTable(topology, world.peer(from), () => [])
            const reference = createPathTable(expected, world.peer(from), () => [])
            for (const to of everyone) {
              const found = paths.pathsTo(world.peer(to))
              expect(found).toEqual(reference.pathsTo(world.peer(to)))
              for (const { hops } of found) {
                expect(new Set([world.peer(from), ...hops]).size).toBe(hops.length + 1)
              }
            }
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('a liar alone attracts nothing: paths are as if it had said the truth', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), fc.nat(SIZE - 1), (edges, seed, liar) => {
        const truth = topologyOf(everyone.map((node) => world.advert(node, [1, 1], costsOf(edges, node))))
        const mesh = simulate(seed)
        const lies = Object.fromEntries(everyone.filter((node) => node !== liar).map((node) => [node, 1]))
        for (const [node, store] of mesh.stores.entries()) {
          store.publish(world.advert(node, [1, 1], node === liar ? lies : costsOf(edges, node)))
        }
        mesh.settle()
        for (const [from, store] of mesh.stores.entries()) {
          const paths = createPathTable(topologyOf(store.counting()), world.peer(from), () => [])
          const honest = createPathTable(truth, world.peer(from), () => [])
          for (const to of everyone) {
            const [found, right] = [paths.pathsTo(world.peer(to)), honest.pathsTo(world.peer(to))]
            expect(found).toEqual(right)
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('whoever says two things under one number is off every path at every node, until its next life', () => {
    fc.assert(
      fc.property(graphs, graphs, fc.nat(), fc.nat(SIZE - 1), (one, other, seed, liar) => {
        const [left, right] = [one, other].map((edges) => world.advert(liar, [1, 5], costsOf(edges, liar)))
        if (left === undefined || right === undefined) return
        fc.pre(left.record.bodyHash !== right.record.bodyHash)
        const mesh = simulate(seed)
        const honest = everyone.filter((node) => node !== liar)
        for (const node of honest) mesh.stores[node]?.publish(world.advert(node, [1, 1], costsOf(one, node)))
        // One half of the mesh hears the one, the other half the other.
        const [first, last] = [honest[0] ?? 0, honest.at(-1) ?? 0]
        mesh.stores[first]?.accept({ kind: 'advert', bytes: left.bytes }, world.peer(liar))
        mesh.stores[last]?.accept({ kind: 'advert', bytes: right.bytes }, world.peer(liar))
        mesh.settle()
        for (const node of honest) {
          const counting = mesh.stores[node]?.counting().map(({ origin }) => origin)
          expect(counting).not.toContain(world.peer(liar))
          expect(counting).toHaveLength(honest.length)
        }
        const next = world.advert(liar, [2, 1], costsOf(one, liar))
        mesh.stores[first]?.accept({ kind: 'advert', bytes: next.bytes }, world.peer(liar))
        mesh.settle()
        mesh.settle()
        for (const node of honest) {
          expect(mesh.stores[node]?.counting()).toHaveLength(SIZE)
        }
      }),
      { numRuns: 20 },
    )
  })
})
