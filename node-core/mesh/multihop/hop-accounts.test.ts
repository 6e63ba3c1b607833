import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fakePeerId } from '../../../tests/helpers/flow-networks.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import type { PeerId } from '../../domain/ids.ts'
import { type CountedRoute, createHopAccounts, DEFAULT_HOP_LIMITS } from './hop-accounts.ts'

const [GREEDY, MODEST, NEXT, OTHER] = [fakePeerId(0), fakePeerId(1), fakePeerId(20), fakePeerId(21)]
const route = (previous: PeerId, buffered = 0, carried = 0, next = NEXT): CountedRoute => ({
  ...{ previous, next },
  carriedBytes: () => carried,
  bufferedBytes: () => buffered,
})
const setUp = (limits = {}) => {
  const clock = createManualClock()
  return { clock, accounts: createHopAccounts(clock, { ...DEFAULT_HOP_LIMITS, ...limits }) }
}

describe('the accounts of previous hops', () => {
  it('allow a burst of openings and then so many a second, for each hop by itself', () => {
    const { clock, accounts } = setUp({ openBurst: 4, opensPerSecond: 2 })
    const opened = (peer: PeerId): number =>
      Array.from({ length: 10 }, () => accounts.allowOpening(peer)).filter(Boolean).length
    expect(opened(GREEDY)).toBe(4)
    expect(opened(MODEST)).toBe(4)
    clock.advance(1_000)
    expect(opened(GREEDY)).toBe(2)
    clock.advance(60_000)
    expect(opened(GREEDY)).toBe(4)
  })

  it('always leave room for a newcomer, however many routes the others want', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { maxLength: 200 }), (openers) => {
        const { accounts } = setUp({ maxRoutes: 32, maxRoutesPerHop: 16 })
        for (const opener of openers) {
          const peer = fakePeerId(opener)
          if (accounts.hasRoom(peer, NEXT)) accounts.add(route(peer))
        }
        expect(accounts.routes).toBeLessThan(32)
        expect(accounts.hasRoom(fakePeerId(9), NEXT)).toBe(true)
      }),
    )
  })

  it('keep one hop from using up what the next node grants this one for all', () => {
    const { accounts } = setUp({ maxRoutes: 1_000, maxRoutesPerHop: 16, openBurst: 8, opensPerSecond: 1 })
    let taken = 0
    while (accounts.hasRoom(GREEDY, NEXT)) {
      accounts.add(route(GREEDY))
      taken += 1
    }
    expect(taken).toBe(8)
    expect(accounts.hasRoom(MODEST, NEXT)).toBe(true)
    expect(accounts.hasRoom(GREEDY, OTHER)).toBe(true)
    const forwarded = Array.from({ length: 10 }, () => accounts.allowForwarding(GREEDY)).filter(Boolean)
    expect(forwarded).toHaveLength(4)
    expect(accounts.allowForwarding(MODEST)).toBe(true)
  })

  it('give the place of a route back when it is over, and only once', () => {
    const { accounts } = setUp({ maxRoutes: 4, maxRoutesPerHop: 2 })
    const one = route(GREEDY, 0, 7)
    accounts.add(one)
    expect(accounts.hasRoom(GREEDY, NEXT)).toBe(false)
    expect(accounts.hasRoom(GREEDY, OTHER)).toBe(true)
    accounts.remove(one)
    accounts.remove(one)
    expect(accounts.hasRoom(GREEDY, NEXT)).toBe(true)
    expect(accounts.routes).toBe(0)
    expect(accounts.accounts()).toEqual([{ peer: GREEDY, routes: 0, carriedBytes: 7, bufferedBytes: 0 }])
  })

  it('name the fattest route of a hop that holds too much, and take no more of its routes', () => {
    const { accounts } = setUp({ maxBufferedBytesPerHop: 100 })
    const [thin, fat] = [route(GREEDY, 40), route(GREEDY, 61)]
    for (const each of [thin, fat, route(MODEST, 90)]) accounts.add(each)
    expect(accounts.overfull()).toEqual([fat])
    expect(accounts.hasRoom(GREEDY, NEXT)).toBe(false)
    expect(accounts.hasRoom(MODEST, NEXT)).toBe(true)
    accounts.remove(fat)
    expect(accounts.overfull()).toEqual([])
  })
})
