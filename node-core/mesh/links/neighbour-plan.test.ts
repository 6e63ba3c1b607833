import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../domain/ids.ts'
import { type Candidate, surplusLinks, wantedPeers } from './neighbour-plan.ts'

const limits = { min: 3, max: 8 }
const peerOf = (index: number): PeerId => `12D3KooW${String(index).padStart(44, 'a')}` as PeerId
const candidateOf = (index: number, change: Partial<Candidate> = {}): Candidate => ({
  peer: peerOf(index),
  addresses: [`/ip4/10.${index >> 8}.${index & 255}.1/tcp/4001`],
  isPinned: false,
  failures: 0,
  isDeclined: false,
  ...change,
})
const mesh = (size: number): readonly Candidate[] =>
  Array.from({ length: size }, (_, index) => candidateOf(index))
const othersOf = (all: readonly Candidate[], self: PeerId): readonly Candidate[] =>
  all.filter(({ peer }) => peer !== self)

describe('neighbour plan', () => {
  it('wants everybody in a small mesh, except those without an address', () => {
    const all = [...mesh(7), candidateOf(7, { addresses: [] })]
    expect(wantedPeers(peerOf(99), all, limits)).toEqual(mesh(7).map(({ peer }) => peer))
  })

  it('wants a few in a large mesh, always those that a person named', () => {
    const all = mesh(50).map((candidate, index) =>
      index === 17 ? { ...candidate, isPinned: true } : candidate,
    )
    const wanted = wantedPeers(peerOf(99), all, limits)
    expect(wanted).toHaveLength(4)
    expect(wanted).toContain(peerOf(17))
  })

  it('takes another one beside a candidate that keeps failing, and still tries that one', () => {
    const all = mesh(50)
    const [first] = wantedPeers(peerOf(99), all, limits)
    const failing = all.map((candidate) =>
      candidate.peer === first ? { ...candidate, failures: 5 } : candidate,
    )
    const wanted = wantedPeers(peerOf(99), failing, limits)
    expect(wanted).toContain(first)
    expect(wanted).toHaveLength(5)
  })

  it('leaves alone who has enough links', () => {
    const all = mesh(50)
    const [first] = wantedPeers(peerOf(99), all, limits)
    const declined = all.map((candidate) => ({ ...candidate, isDeclined: candidate.peer === first }))
    const wanted = wantedPeers(peerOf(99), declined, limits)
    expect(wanted).not.toContain(first)
    expect(wanted).toHaveLength(4)
  })

  it('spreads over networks', () => {
    const crowded = mesh(60).map((candidate, index) =>
      index < 50 ? { ...candidate, addresses: ['/ip4/192.168.7.20/tcp/4001'] } : candidate,
    )
    const wanted = wantedPeers(peerOf(99), crowded, limits)
    const fromCrowd = wanted.filter((peer) => crowded.findIndex((known) => known.peer === peer) < 50)
    expect(fromCrowd).toHaveLength(1)
  })

  it('connects a mesh of any size, with a bounded number of links at most nodes', () => {
    for (const size of [9, 30, 100, 300]) {
      const all = mesh(size)
      const links = new Map(all.map(({ peer }) => [peer, new Set<PeerId>()]))
      for (const { peer } of all) {
        for (const other of wantedPeers(peer, othersOf(all, peer), limits)) {
          links.get(peer)?.add(other)
          links.get(other)?.add(peer)
        }
      }
      const seen = new Set<PeerId>()
      const queue = [peerOf(0)]
      for (let peer = queue.pop(); peer !== undefined; peer = queue.pop()) {
        if (seen.has(peer)) continue
        seen.add(peer)
        queue.push(...(links.get(peer) ?? []))
      }
      expect(seen.size).toBe(size)
      const degrees = [...links.values()].map((neighbours) => neighbours.size)
      expect(degrees.filter((degree) => degree > limits.max).length).toBeLessThan(size * 0.15)
      expect(Math.max(...degrees)).toBeLessThan(20)
      expect(Math.min(...degrees)).toBeGreaterThanOrEqual(limits.min)
    }
  })

  it('gives up only what is too much and not wanted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(200), { maxLength: 30 }), fc.nat(12), (indexes, wantedCount) => {
        const linked = indexes.map(peerOf)
        const wanted = linked.slice(0, wantedCount)
        const surplus = surplusLinks(peerOf(999), linked, wanted, limits)
        expect(surplus.some((peer) => wanted.includes(peer))).toBe(false)
        const excess = Math.max(0, linked.length - limits.max)
        expect(surplus).toHaveLength(Math.min(excess, linked.length - wanted.length))
      }),
    )
  })
})
