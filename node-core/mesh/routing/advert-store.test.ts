import { describe, expect, it } from 'vitest'
import { createAdvertWorld } from '../../../tests/helpers/advert-world.ts'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { LinkAdvert } from '../../security/link-advert.ts'
import type { Outcome } from '../flood/replica.ts'
import { type AdvertKind, createAdvertStore } from './advert-store.ts'

const world = createAdvertWorld(4)

function setUp(self = 0) {
  const clock = createManualClock()
  const membership = world.membership(self)
  const store = createAdvertStore({ clock, logger: silentLogger, membership }, { maxAgeMs: 600_000 })
  const news: string[] = []
  store.events.on('news', ({ kind, name }) => news.push(`${kind} ${name}`))
  membership.events.on('memberChanged', ({ peer }) => store.retry(peer))
  const take = (advert: Pick<LinkAdvert, 'bytes'>, from = 3): Outcome<AdvertKind> =>
    store.accept({ kind: 'advert', bytes: advert.bytes }, world.peer(from))
  const seqOf = (index: number): number | undefined => store.get(world.peer(index))?.seq
  return { clock, membership, store, news, take, seqOf }
}

describe('the store of adverts', () => {
  it('keeps the newest by incarnation and number, and passes on nothing else', () => {
    const { take, seqOf, news, store } = setUp()
    expect(take(world.advert(1, [1, 5], { 2: 10 })).kind).toBe('kept')
    expect(take(world.advert(1, [1, 4], { 3: 10 })).kind).toBe('known')
    expect(take(world.advert(1, [1, 5], { 2: 10 })).kind).toBe('known')
    expect(seqOf(1)).toBe(5)
    expect(take(world.advert(1, [2, 1], { 2: 10 })).kind).toBe('kept')
    expect(seqOf(1)).toBe(1)
    expect(news).toHaveLength(2)
    expect(store.counters().stale).toBe(2)
  })

  it('counts a forged, a malformed and an oversize advert against whoever passed it on, and keeps nothing', () => {
    const { take, store, news } = setUp()
    const good = world.advert(1, [1, 1], { 2: 10 })
    const forged = Uint8Array.from(good.bytes)
    // The last bytes of the record are those of a signature.
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    expect(take({ bytes: forged })).toEqual({ kind: 'bad', why: 'advert: forged' })
    expect(take({ bytes: new Uint8Array(30_000) }).kind).toBe('bad')
    expect(take({ bytes: good.bytes.subarray(1) }).kind).toBe('bad')
    expect(store.digest()).toEqual([])
    expect(news).toEqual([])
    expect(store.counters()).toMatchObject({ forged: 1, malformed: 2 })
  })

  it('asks for an unknown certificate, and keeps and passes on the advert once it has come', () => {
    const { take, store, membership, seqOf, news } = setUp()
    membership.strangers.add(world.peer(1))
    const advert = world.advert(1, [1, 1], { 2: 10 })
    const outcome = take(advert)
    expect(outcome).toMatchObject({ kind: 'later', wants: { kind: 'certificate' } })
    expect([seqOf(1), news]).toEqual([undefined, []])
    const name = outcome.kind === 'later' ? outcome.wants?.name : undefined
    const item = world.store(2, createManualClock()).read({ kind: 'certificate', name: name ?? '' })
    if (item === undefined) expect.fail('a neighbour has the certificate')
    expect(store.accept(item, world.peer(3)).kind).toBe('kept')
    expect(seqOf(1)).toBe(1)
    expect(news).toHaveLength(1)
  })

  it('counts a forged advert that had to wait against whoever passed it on', () => {
    const { take, membership } = setUp()
    membership.strangers.add(world.peer(1))
    const stolen = world.advert(2, [1, 1], { 3: 1 }, { origin: world.peer(1) })
    expect(take(stolen, 3).kind).toBe('later')
    membership.strangers.clear()
    membership.events.emit('memberChanged', { peer: world.peer(1) })
    expect(membership.misbehaviour).toEqual([{ peer: world.peer(3), what: 'advert: forged' }])
  })

  it('forgets who is expelled, and takes nothing of whoever is no member', () => {
    const { take, store, membership, seqOf } = setUp()
    take(world.advert(1, [1, 1], { 2: 10 }))
    membership.standings.set(world.peer(1), 'revoked')
    expect(store.counting()).toEqual([])
    store.forget(world.peer(1))
    expect(seqOf(1)).toBeUndefined()
    expect(take(world.advert(1, [1, 2], { 2: 10 })).kind).toBe('later')
    expect(store.digest()).toEqual([])
  })

  it('holds back an origin that says too much, and takes its newest word in its turn', () => {
    const { take, store, clock, seqOf } = setUp()
    for (let seq = 1; seq <= 40; seq++) take(world.advert(1, [1, seq], { 2: seq }))
    expect(seqOf(1)).toBe(20)
    expect(take(world.advert(2, [1, 1], { 1: 5 })).kind).toBe('kept')
    clock.advance(1_000)
    store.tick()
    expect(seqOf(1)).toBe(40)
  })

  it('drops what was not renewed, and does not take old copies of it for new', () => {
    const { take, store, clock, seqOf } = setUp()
    const old = world.advert(1, [1, 1], { 2: 10 })
    take(old)
    clock.advance(600_000)
    store.tick()
    expect(seqOf(1)).toBeUndefined()
    expect(take(old).kind).toBe('known')
    expect(take(world.advert(1, [1, 2], { 2: 10 })).kind).toBe('kept')
  })
})

describe('two adverts under one number', () => {
  const left = world.advert(1, [3, 1], { 2: 10 })
  const right = world.advert(1, [3, 1], { 3: 10 })

  it('convict their origin, everywhere, in whatever order they come', () => {
    const [a, b, c] = [setUp(0), setUp(2), setUp(3)]
    a.take(left)
    expect(a.take(right).kind).toBe('kept')
    b.take(right)
    b.take(left)
    expect(a.news.at(-1)).toBe(`proof ${world.peer(1)}`)
    const proof = a.store.read({ kind: 'proof', name: world.peer(1) })
    if (proof === undefined) expect.fail('a proof to pass on')
    c.take(world.advert(1, [3, 7], { 2: 1 }))
    expect(c.store.accept(proof, world.peer(0)).kind).toBe('kept')
    for (const { store, membership, take } of [a, b, c]) {
      expect(store.isConvicted(world.peer(1))).toBe(true)
      expect(store.counting()).toEqual([])
      expect(membership.misbehaviour).toEqual([{ peer: world.peer(1), what: 'advert: two under one number' }])
      expect(take(world.advert(1, [3, 9], { 2: 10 })).kind).toBe('known')
    }
    expect(b.store.digest()).toEqual(a.store.digest())
    expect(c.store.digest()).toEqual(a.store.digest())
  })

  it('keep it off every path for a minute, and then only its next life counts', () => {
    const { take, store, clock } = setUp()
    take(left)
    take(right)
    expect(take(world.advert(1, [4, 1], { 2: 10 })).kind).toBe('kept')
    expect(store.counting()).toEqual([])
    const changed: string[] = []
    store.events.on('changed', ({ origin }) => changed.push(origin))
    clock.advance(59_000)
    expect(store.counting()).toEqual([])
    clock.advance(1_000)
    store.tick()
    expect(store.counting()).toHaveLength(1)
    expect(changed).toEqual([world.peer(1)])
    take(world.advert(1, [4, 1], { 3: 10 }))
    clock.advance(60_000)
    take(world.advert(1, [5, 1], { 3: 10 }))
    expect(store.counting()).toEqual([])
  })

  it('prove nothing when one of them is not signed by the origin', () => {
    const { take, store } = setUp()
    take(left)
    const forged = world.advert(2, [3, 1], { 3: 10 }, { origin: world.peer(1) })
    expect(take(forged).kind).toBe('bad')
    expect(store.isConvicted(world.peer(1))).toBe(false)
    expect(store.counting()).toHaveLength(1)
  })
})

describe("a node's own adverts that it does not remember", () => {
  it('make it go on above them', () => {
    const { take, store } = setUp()
    const outnumbered: number[] = []
    store.events.on('outnumbered', ({ incarnation }) => outnumbered.push(incarnation))
    store.publish(world.advert(0, [5, 1], { 1: 10 }))
    expect(take(world.advert(0, [4, 9], { 1: 10 })).kind).toBe('known')
    take(world.advert(0, [8, 2], { 1: 10 }))
    // A copy of this machine under the very same number.
    take(world.advert(0, [5, 1], { 2: 10 }))
    expect(outnumbered).toEqual([8, 5])
    expect(store.get(world.peer(0))?.incarnation).toBe(5)
    expect(store.counting()).toHaveLength(1)
  })

  it('are no reason to believe a forger', () => {
    const { take, store } = setUp()
    store.events.on('outnumbered', () => expect.fail('forged'))
    expect(take(world.advert(1, [8, 2], { 2: 10 }, { origin: world.peer(0) })).kind).toBe('bad')
  })
})
