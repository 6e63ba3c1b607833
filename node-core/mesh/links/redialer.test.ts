import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createRedialer } from './redialer.ts'

const LOWER = '12D3KooWb'
const HIGHER = '12D3KooWz'
/** Lower too, but a person has said where it is. */
const KNOWN = '12D3KooWa'

function setUp(random = 0.5) {
  const clock = createManualClock()
  const dials: { target: string; atMs: number }[] = []
  const due: number[] = []
  let outcome: 'fail' | 'fail late' | 'succeed' | 'hang' = 'fail'
  const redialer = createRedialer({
    clock,
    random: { unit: () => random, bytes: (length) => new Uint8Array(length) },
    logger: silentLogger,
    self: '12D3KooWm',
    hasOwnWay: (target) => target === KNOWN,
    onDue: () => due.push(clock.monotonicMs()),
    dial: (target, signal) => {
      dials.push({ target, atMs: clock.monotonicMs() })
      if (outcome === 'succeed') return Promise.resolve()
      if (outcome === 'fail') return Promise.reject(new Error('nobody is there'))
      if (outcome === 'fail late') {
        return new Promise((_resolve, reject) => clock.after(100, () => reject(new Error('no answer'))))
      }
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const run = async (
    forMs: number,
    wanted: readonly string[],
    isLinked = (_: string) => false,
  ): Promise<void> => {
    for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs += 100) {
      redialer.run(wanted, isLinked)
      // Lets a dial that was refused settle.
      await Promise.resolve().then(() => undefined)
      await Promise.resolve()
      clock.advance(100)
    }
  }
  return { clock, dials, due, redialer, run, expectThat: (next: typeof outcome) => (outcome = next) }
}

describe('redialer', () => {
  it('dials the higher peer at once and gives the lower one time to dial first', async () => {
    const { dials, run } = setUp()
    await run(100, [HIGHER, LOWER])
    expect(dials.map(({ target }) => target)).toEqual([HIGHER])
    await run(800, [LOWER])
    expect(dials.find(({ target }) => target === LOWER)).toMatchObject({ atMs: 600 })
  })

  it('waits for nobody where it has a way of its own: the other end may have none', async () => {
    const { dials, run } = setUp()
    await run(100, [LOWER, KNOWN])
    expect(dials.map(({ target }) => target)).toEqual([KNOWN])
  })

  it('tries a neighbour that has not started yet again and again for half a second, and asks for its turn', async () => {
    const { dials, due, run } = setUp(0.999)
    await run(700, [HIGHER])
    expect(dials.map(({ atMs }) => atMs)).toEqual([0, 100, 200, 300, 400, 500, 600])
    expect(due).toHaveLength(6)
  })

  it('does not hurry a peer that took its time to fail: both ends may have too much to do', async () => {
    const { dials, run, expectThat } = setUp(0.999)
    expectThat('fail late')
    await run(1_200, [HIGHER])
    expect(dials.map(({ atMs }) => atMs)).toEqual([0, 300, 800])
  })

  it('never gives up, and dials ever more rarely up to a bound', async () => {
    const { dials, run } = setUp(0.999)
    await run(30 * 60_000, [HIGHER])
    const gaps = dials.slice(1).map(({ atMs }, index) => atMs - (dials[index]?.atMs ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_100)
    expect(gaps.at(-1)).toBeGreaterThan(20_000)
    expect(gaps[0]).toBeLessThan(1_000)
    expect(dials.length).toBeGreaterThan(60)
  })

  it('dials neither whom it has nor whom it is dialling', async () => {
    const { dials, run, expectThat } = setUp()
    await run(5_000, [HIGHER], () => true)
    expect(dials).toEqual([])
    expectThat('hang')
    await run(60_000, [HIGHER])
    expect(dials).toHaveLength(1)
  })

  it('comes back soon after a link that lasted, later after one that broke again and again', () => {
    const { redialer } = setUp()
    redialer.linkEnded(HIGHER, 60_000)
    expect(redialer.failuresOf(HIGHER)).toBe(0)
    redialer.linkEnded(HIGHER, 100)
    redialer.linkEnded(HIGHER, 100)
    expect(redialer.failuresOf(HIGHER)).toBe(2)
  })

  it('does not make a link that comes and goes wait for what was refused while it was away', async () => {
    const { clock, dials, redialer, run } = setUp(0.999)
    for (let turn = 0; turn < 4; turn++) {
      await run(1_000, [HIGHER])
      redialer.linkEnded(HIGHER, 2_000)
    }
    const endedMs = clock.monotonicMs()
    const before = dials.length
    await run(2_000, [HIGHER])
    expect((dials[before]?.atMs ?? Number.POSITIVE_INFINITY) - endedMs).toBeLessThan(1_700)
  })

  it('forgets its failures when something has changed', async () => {
    const { dials, redialer, run } = setUp(0.999)
    await run(120_000, [HIGHER])
    const before = dials.length
    redialer.retrySoon()
    await run(400, [HIGHER])
    expect(dials.length).toBeGreaterThan(before)
  })

  it('remembers for a while who has enough links', () => {
    const { clock, redialer } = setUp()
    redialer.declined(HIGHER)
    expect(redialer.isDeclined(HIGHER)).toBe(true)
    clock.advance(6 * 60_000)
    expect(redialer.isDeclined(HIGHER)).toBe(false)
  })

  it('dials a bounded number at once, and none once stopped', async () => {
    const { dials, redialer, run, expectThat } = setUp()
    expectThat('hang')
    const many = Array.from({ length: 30 }, (_, index) => `12D3KooWz${index}`)
    await run(1_000, many)
    expect(dials).toHaveLength(8)
    redialer.stop()
    await run(1_000, many)
    expect(dials).toHaveLength(8)
  })
})
