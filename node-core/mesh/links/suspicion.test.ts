import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CALM_PHI, type LatenessHistory, recordLateness, SUSPECT_PHI, suspicion } from './suspicion.ts'

const historyOf = (values: readonly number[]): LatenessHistory =>
  values.reduce<LatenessHistory>(recordLateness, [])
const steady = historyOf(Array.from({ length: 64 }, (_, index) => (index % 5) * 2))

/** The silence after which the peer becomes suspect, ms. */
function suspectAfterMs(history: LatenessHistory, intervalMs: number, lagMs = 0): number {
  let silentMs = 0
  while (suspicion(history, silentMs, intervalMs, lagMs) < SUSPECT_PHI) silentMs += 1
  return silentMs
}

describe('suspicion', () => {
  it('is calm while beats come in time', () => {
    expect(suspicion(steady, 110, 100)).toBeLessThan(CALM_PHI)
    expect(suspicion(steady, 1_050, 1_000)).toBeLessThan(CALM_PHI)
    expect(suspicion([], 0, 1_000)).toBeLessThan(CALM_PHI)
  })

  it('becomes suspect in well under a second under traffic and within 3 s when idle', () => {
    expect(suspectAfterMs(steady, 100)).toBeLessThan(500)
    expect(suspectAfterMs(steady, 100)).toBeGreaterThan(250)
    expect(suspectAfterMs(steady, 1_000)).toBeLessThan(2_500)
    expect(suspectAfterMs([], 1_000)).toBeLessThan(3_000)
  })

  it('waits longer for a peer that has often been late, but not for ever', () => {
    const erratic = historyOf(Array.from({ length: 64 }, (_, index) => (index % 2) * 150))
    expect(suspectAfterMs(erratic, 100)).toBeGreaterThan(suspectAfterMs(steady, 100) + 100)
    const hopeless = historyOf(Array.from({ length: 64 }, (_, index) => (index % 2) * 60_000))
    expect(suspectAfterMs(hopeless, 100)).toBeLessThan(1_000)
    expect(suspectAfterMs(hopeless, 1_000)).toBeLessThan(3_000)
  })

  it('gives others the time that this process was late itself, and no more than a multiple of it', () => {
    expect(suspectAfterMs(steady, 100, 5)).toBeLessThan(500)
    expect(suspectAfterMs(steady, 100, 100)).toBeGreaterThan(800)
    for (const intervalMs of [100, 1_000]) {
      const atMostMs = suspectAfterMs(steady, intervalMs, 300) - suspectAfterMs(steady, intervalMs)
      expect(atMostMs).toBeGreaterThan(1_000)
      expect(atMostMs).toBeLessThan(3_000)
    }
  })

  it('never falls while the silence grows, and stays between 0 and 100', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { maxLength: 200 }),
        fc.double({ min: 0, max: 20_000, noNaN: true }),
        fc.double({ min: 0, max: 5_000, noNaN: true }),
        fc.constantFrom(100, 250, 1_000),
        (values, silentMs, moreMs, intervalMs) => {
          const history = historyOf(values)
          const before = suspicion(history, silentMs, intervalMs)
          const after = suspicion(history, silentMs + moreMs, intervalMs)
          expect(before).toBeGreaterThanOrEqual(0)
          expect(after).toBeLessThanOrEqual(100)
          expect(after).toBeGreaterThanOrEqual(before)
        },
      ),
    )
  })

  it('remembers a bounded number of beats', () => {
    expect(historyOf(Array.from({ length: 1_000 }, () => 1))).toHaveLength(64)
  })
})
