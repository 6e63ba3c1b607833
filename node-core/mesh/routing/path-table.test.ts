import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import { type CostedPath, createPathTable } from './path-table.ts'
import { buildTopology, type Topology } from './topology.ts'

const peer = (name: string): PeerId => name as PeerId

/** Links as `a-b`: cost in ms. */
function topology(links: Readonly<Record<string, number>>, noTransit: readonly string[] = []): Topology {
  const names = new Set(Object.keys(links).flatMap((link) => link.split('-')))
  return buildTopology(
    [...names].map((name) => ({
      origin: peer(name),
      transit: !noTransit.includes(name),
      links: Object.entries(links).flatMap(([link, costMs]) => {
        const ends = link.split('-')
        const other = ends.find((end) => end !== name)
        return ends.includes(name) && other !== undefined
          ? [{ peer: peer(other), costUs: costMs * 1_000 }]
          : []
      }),
    })),
  )
}

const pathsOf = (
  links: Readonly<Record<string, number>>,
  before: readonly CostedPath[] = [],
): readonly CostedPath[] => createPathTable(topology(links), peer('me'), () => before).pathsTo(peer('z'))
const text = (paths: readonly CostedPath[]): string[] => paths.map(({ hops }) => hops.join('>'))

describe('which path is used', () => {
  const diamond = (viaA: number, viaB: number) => ({ 'me-a': 1, 'a-z': viaA, 'me-b': 1, 'b-z': viaB })

  it('is the cheapest at first, with the others as spare', () => {
    expect(text(pathsOf(diamond(10, 20)))).toEqual(['a>z', 'b>z'])
  })

  it('stays the one in use for a small gain, at its new cost, and changes for a clear one', () => {
    const before = pathsOf(diamond(10, 20))
    const same = pathsOf(diamond(22, 20), before)
    expect(text(same)).toEqual(['a>z', 'b>z'])
    expect(same.map(({ costUs }) => costUs)).toEqual([23_000, 21_000])
    expect(text(pathsOf(diamond(40, 20), before))).toEqual(['b>z', 'a>z'])
  })

  it('changes at once when a link of it is gone', () => {
    const before = pathsOf(diamond(10, 20))
    expect(text(pathsOf({ 'me-b': 1, 'b-z': 20, 'me-a': 1 }, before))).toEqual(['b>z'])
  })

  it('changes at once when a node on it may not carry any more', () => {
    const before = pathsOf(diamond(10, 20))
    const table = createPathTable(topology(diamond(10, 20), ['a']), peer('me'), () => before)
    expect(text(table.pathsTo(peer('z')))).toEqual(['b>z'])
  })

  it('is given up when it would leave no way around it', () => {
    // me-a-b-z is cheapest and crosses both ways out.
    const trap = { 'me-a': 5, 'b-z': 5, 'me-b': 9, 'a-z': 9 }
    const before: CostedPath[] = [{ hops: ['a', 'b', 'z'].map(peer), costUs: 11_000 }]
    expect(text(pathsOf({ ...trap, 'a-b': 1 }, before)).toSorted()).toEqual(['a>z', 'b>z'])
  })

  it('is the direct link unless another way is much better', () => {
    expect(text(pathsOf({ 'me-z': 47, 'me-a': 15, 'a-z': 15 }))).toEqual(['z', 'a>z'])
    expect(text(pathsOf({ 'me-z': 20_000, 'me-a': 5, 'a-z': 5 }))).toEqual(['a>z', 'z'])
  })

  it('goes back to the direct link when there is one again, unless it is still much worse', () => {
    const before: CostedPath[] = [{ hops: ['a', 'z'].map(peer), costUs: 10_000 }]
    const around = { 'me-a': 5, 'a-z': 5 }
    expect(text(pathsOf({ ...around, 'me-z': 19 }, before))).toEqual(['z', 'a>z'])
    expect(text(pathsOf({ ...around, 'me-z': 29 }, before))).toEqual(['a>z', 'z'])
    expect(text(pathsOf({ ...around, 'me-z': 29 }))).toEqual(['z', 'a>z'])
  })

  it('stays for a clear gain as long as patience asks for it, but not when it is gone', () => {
    const waiting = { isOver: () => false, settled: () => {} }
    const before = pathsOf(diamond(10, 20))
    const later = (links: Readonly<Record<string, number>>): string[] =>
      text(createPathTable(topology(links), peer('me'), () => before, waiting).pathsTo(peer('z')))
    expect(later(diamond(400, 20))).toEqual(['a>z', 'b>z'])
    expect(later({ 'me-a': 1, 'me-b': 1, 'b-z': 20 })).toEqual(['b>z'])
  })

  it('never is what was used before when that is no path at all', () => {
    const before: CostedPath[] = [{ hops: ['a', 'b', 'z'].map(peer), costUs: 1 }]
    expect(text(pathsOf(diamond(10, 20), before))).toEqual(['a>z', 'b>z'])
  })

  it('is none to a node that nobody links to, or that is not known', () => {
    expect(pathsOf({ 'me-a': 1, 'z-b': 1 })).toEqual([])
    expect(pathsOf({ 'me-a': 1 })).toEqual([])
  })
})
