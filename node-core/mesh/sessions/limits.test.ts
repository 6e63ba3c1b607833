import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { createLedger } from './ledger.ts'
import { createTokenBucket } from './token-bucket.ts'
import { createTombstones } from './tombstones.ts'

describe('the ledger', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('leaves something for everybody, however many take all they can', () => {
    const ledger = createLedger({ peerBytes: 64, nodeBytes: 256 })
    const shares = Array.from({ length: 6 }, () => {
      const account = ledger.account()
      while (account.usedBytes < account.limitBytes) account.hold(1)
      return account.usedBytes
    })
    expect(shares).toEqual([64, 64, 64, 32, 16, 8])
    expect(ledger.usedBytes).toBeLessThan(256)
  })

  it('tells whoever waits for room, and nobody that took it back', async () => {
    const ledger = createLedger({ peerBytes: 10, nodeBytes: 100 })
    const [one, other] = [ledger.account(), ledger.account()]
    one.hold(10)
    const told: string[] = []
    one.whenRoom(() => told.push('one'))
    one.whenRoom(() => told.push('nobody'))()
    other.whenRoom(() => told.push('other'))
    await turn()
    expect(told).toEqual(['other'])
    one.release(1)
    await turn()
    expect(told).toEqual(['other', 'one'])
  })
})

describe('a token bucket', () => {
  it('lets a burst through, then a steady rate', () => {
    const clock = createManualClock()
    const bucket = createTokenBucket(clock, { burst: 5, perSecond: 10 })
    const taken = (tries: number): number =>
      Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length
    expect(taken(9)).toBe(5)
    clock.advance(250)
    expect(taken(9)).toBe(2)
    clock.advance(60_000)
    expect(taken(9)).toBe(5)
  })
})

describe('tombstones', () => {
  it('know how a session ended, and never take an old number for a new one', () => {
    const stones = createTombstones()
    for (let counter = 0; counter < 10_000; counter++)
      stones.add(1, counter, counter % 2 === 0 ? 'finished' : 'gone')
    expect(stones.look(1, 9_998)).toBe('finished')
    expect(stones.look(1, 9_999)).toBe('gone')
    expect(stones.look(1, 3)).toBe('gone')
    expect(stones.look(1, 10_000)).toBe('unused')
    expect(stones.look(2, 3)).toBe('unused')
  })

  it('keep the newest boots of a peer', () => {
    const stones = createTombstones()
    for (let epoch = 0; epoch < 6; epoch++) stones.add(epoch, 0, 'gone')
    expect(stones.look(5, 0)).toBe('gone')
    expect(stones.look(0, 0)).toBe('unused')
  })
})
