import { describe, expect, it } from 'vitest'
import { createAdvertWorld } from '../../../tests/helpers/advert-world.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { seededRandom } from '../../../tests/helpers/security-world.ts'
import type { LinkState } from '../../domain/link.ts'
import { createEmitter } from '../../platform/emitter.ts'
import type { LinkEvents } from '../links/link-table.ts'
import type { LinkView } from '../links/link-view.ts'
import { createAdvertiser } from './advertiser.ts'
import { createOwnNumbers } from './own-numbers.ts'

const world = createAdvertWorld(3)
const REFRESH_MS = 600_000

function setUp(stored = new Map<string, string>()) {
  const clock = createManualClock()
  const store = world.store(0, clock)
  const views = new Map<number, LinkView>()
  const events = createEmitter<LinkEvents>((error) => {
    throw error
  })
  const numbers = createOwnNumbers(clock, {
    get: (key) => stored.get(key),
    set: (key, value) => void stored.set(key, value),
  })
  const key = world.nodes[0]?.identity.key ?? expect.fail('no such node')
  const advertiser = createAdvertiser(
    {
      ...{ clock, store, numbers, key, random: seededRandom(1), membership: world.membership(0) },
      links: { links: () => [...views.values()], events },
      queuedBytes: () => 0,
    },
    { refreshMs: REFRESH_MS },
  )
  const set = (index: number, state: LinkState, rttMs: number | undefined = 10): void => {
    const peer = world.peer(index)
    const from = views.get(index)?.state
    views.set(index, {
      ...{ peer, state, rttMs, sinceMs: 0, seenMs: 0, jitterMs: 0, lossEstimate: 0, loss: undefined },
      ...{ clockOffsetMs: 0, suite: '/x0t/noise-hfs/1/aesgcm', direction: 'outbound', address: '' },
    })
    const rest = { reason: '', evidence: undefined, address: '', suite: '' }
    if (from !== state) events.emit('stateChanged', { peer, from, to: state, ...rest })
  }
  const told: number[][] = []
  const costs: (number | undefined)[] = []
  store.events.on('news', () => {
    const links = store.get(world.peer(0))?.links ?? []
    told.push(links.map(({ peer }) => [1, 2].find((index) => world.peer(index) === peer) ?? 0).toSorted())
    costs.push(links[0]?.costUs)
  })
  /** As the node does, once a second. */
  const pass = (ms: number): void => {
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(Math.min(1_000, ms - at))
      advertiser.tick()
    }
  }
  return { clock, store, advertiser, set, told, costs, pass, stored }
}

describe('what a node says of its links', () => {
  it('is told at the start when there are links, and a second later when there is nobody to hear it', async () => {
    const linked = setUp()
    linked.set(1, 'up')
    await linked.advertiser.start()
    expect(linked.told).toEqual([[1]])
    const alone = setUp()
    await alone.advertiser.start()
    expect(alone.told).toEqual([])
    alone.pass(1_000)
    expect(alone.told).toEqual([[]])
  })

  it('is told once for changes that come together, within 10 ms', async () => {
    const { advertiser, set, told, clock } = setUp()
    await advertiser.start()
    set(1, 'up')
    set(2, 'up')
    clock.advance(10)
    expect(told).toEqual([[1, 2]])
    set(1, 'down')
    clock.advance(10)
    expect(told.at(-1)).toEqual([2])
  })

  it('is not told again while nothing changes, but for the refresh', async () => {
    const { advertiser, set, told, pass, store } = setUp()
    await advertiser.start()
    set(1, 'up')
    pass(1_000)
    const before = told.length
    pass(REFRESH_MS * 0.79)
    expect(told.length).toBe(before)
    pass(REFRESH_MS * 0.22)
    expect(told.length).toBe(before + 1)
    expect(store.get(world.peer(0))?.seq).toBe(before + 1)
  })

  it('is told anew for a cost that has clearly moved, at most every 10 s, and not for noise', async () => {
    const { advertiser, set, told, pass } = setUp()
    await advertiser.start()
    set(1, 'up', 20)
    pass(11_000)
    const before = told.length
    for (const rttMs of [21, 24, 18, 25]) {
      set(1, 'up', rttMs)
      pass(12_000)
    }
    expect(told.length).toBe(before)
    set(1, 'up', 90)
    pass(5_000)
    set(1, 'up', 21)
    pass(12_000)
    expect(told.length).toBe(before)
    // Lower is believed at once, higher when it has lasted.
    set(1, 'up', 3)
    pass(1_000)
    expect(told.length).toBe(before + 1)
    set(1, 'up', 200)
    const settled = told.length
    pass(8_000)
    expect(told.length).toBe(settled)
    pass(4_000)
    expect(told.length).toBe(settled + 1)
  })

  it('is told at most every minute for a cost that has risen by little', async () => {
    const { advertiser, set, told, pass } = setUp()
    await advertiser.start()
    set(1, 'up', 10)
    pass(61_000)
    const before = told.length
    set(1, 'up', 30)
    pass(15_000)
    expect(told.length).toBe(before + 1)
    set(1, 'up', 50)
    pass(50_000)
    expect(told.length).toBe(before + 1)
    pass(12_000)
    expect(told.length).toBe(before + 2)
  })

  it('is told at once when a link falls under suspicion, at a cost that leaves it for last', async () => {
    const { advertiser, set, costs, clock } = setUp()
    await advertiser.start()
    set(1, 'up')
    clock.advance(10)
    set(1, 'suspect')
    clock.advance(10)
    expect(costs.at(-1)).toBeGreaterThan(10_000_000)
    set(1, 'up')
    clock.advance(10)
    expect(costs.at(-1)).toBeLessThan(20_000)
  })

  it('leaves a link that flaps for last until it has been quiet, and still tells every loss', async () => {
    const { advertiser, set, told, pass, store } = setUp()
    const costOf = (index: number): number =>
      store.get(world.peer(0))?.links.find(({ peer }) => peer === world.peer(index))?.costUs ?? Number.NaN
    await advertiser.start()
    set(2, 'up')
    for (let flap = 0; flap < 6; flap++) {
      set(1, 'up')
      pass(2_000)
      set(1, 'down')
      pass(2_000)
      expect(told.at(-1)).toEqual([2])
    }
    set(1, 'up')
    pass(5_000)
    expect(told.at(-1)).toEqual([1, 2])
    expect(costOf(1)).toBeGreaterThan(10_000_000)
    expect(costOf(2)).toBeLessThan(20_000)
    const before = told.length
    set(1, 'suspect')
    pass(100)
    set(1, 'up')
    pass(100)
    expect(told.length).toBe(before)
    pass(120_000)
    expect(costOf(1)).toBeLessThan(20_000)
  })

  it('is told at a bounded pace however often there is reason to', async () => {
    const { advertiser, told, clock } = setUp()
    await advertiser.start()
    for (let at = 0; at < 20_000; at += 20) {
      advertiser.resign()
      clock.advance(20)
    }
    // A burst of 6, then one in 2 s.
    expect(told.length).toBeLessThanOrEqual(6 + 10)
  })

  it('goes on above the last life after a restart, also with a home that forgot it or a clock that ran back', async () => {
    const begin = async ({ advertiser, set }: ReturnType<typeof setUp>): Promise<void> => {
      set(1, 'up')
      await advertiser.start()
    }
    const first = setUp()
    await begin(first)
    const life = first.store.get(world.peer(0))?.incarnation ?? 0
    const again = setUp(first.stored)
    await begin(again)
    expect(again.store.get(world.peer(0))).toMatchObject({ incarnation: life + 1, seq: 1 })
    const forgetful = setUp()
    forgetful.clock.advance(60_000)
    await begin(forgetful)
    expect(forgetful.store.get(world.peer(0))?.incarnation).toBeGreaterThan(life)
    const back = setUp(first.stored)
    back.clock.setWall(0)
    await begin(back)
    expect(back.store.get(world.peer(0))?.incarnation).toBe(life + 2)
  })
})
