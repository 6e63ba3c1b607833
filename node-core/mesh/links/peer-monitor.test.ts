import { describe, expect, it } from 'vitest'
import { createManualClock } from '../../../tests/helpers/manual-clock.ts'
import { PeerMonitor } from './peer-monitor.ts'
import { BUSY_INTERVAL_MS, IDLE_INTERVAL_MS, type Rhythm } from './rhythm.ts'
import { CALM_PHI, SUSPECT_PHI } from './suspicion.ts'

/** Two ends over a way of `wayMs` each; beats can be lost in one direction, as no TCP does, to stand for a dead way. */
function setUp(wayMs = 10) {
  const clock = createManualClock()
  const heard = { a: 0, b: 0 }
  const a = new PeerMonitor(clock, () => heard.a)
  const b = new PeerMonitor(clock, () => heard.b)
  const cut = { ab: false, ba: false }
  const rhythm: { now: Rhythm } = { now: { intervalMs: IDLE_INTERVAL_MS, sinceMs: 0 } }
  const setRhythm = (intervalMs: number): void => {
    rhythm.now = { intervalMs, sinceMs: clock.monotonicMs() }
  }
  const send = (from: PeerMonitor, to: PeerMonitor, side: 'a' | 'b', isCut: () => boolean): void => {
    const beat = from.nextBeat(rhythm.now.intervalMs)
    clock.after(wayMs, () => {
      if (isCut()) return
      heard[side] = clock.monotonicMs()
      to.receive(beat)
    })
  }
  const run = (forMs: number): void => {
    for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs += rhythm.now.intervalMs) {
      send(a, b, 'b', () => cut.ab)
      clock.advance(rhythm.now.intervalMs / 2)
      send(b, a, 'a', () => cut.ba)
      clock.advance(rhythm.now.intervalMs / 2)
    }
  }
  return { clock, a, b, cut, run, setRhythm, evidence: (of: PeerMonitor) => of.evidence(rhythm.now) }
}

describe('peer monitor', () => {
  it('measures the way from beats that cross, however long they are held', () => {
    const { a, b, run, evidence } = setUp(25)
    run(10_000)
    expect(a.measures().rttMs).toBeCloseTo(50)
    expect(b.measures().rttMs).toBeCloseTo(50)
    expect(a.measures().clockOffsetMs).toBeCloseTo(0)
    expect(a.measures().loss).toEqual({ inbound: 0, outbound: 0 })
    expect(evidence(a).phi).toBeLessThan(CALM_PHI)
  })

  it('suspects a peer that falls silent, in both rhythms', () => {
    for (const [intervalMs, limitMs] of [
      [IDLE_INTERVAL_MS, 3_000],
      [BUSY_INTERVAL_MS, 700],
    ] as const) {
      const { clock, a, cut, run, setRhythm, evidence } = setUp()
      setRhythm(intervalMs)
      run(10_000)
      cut.ab = true
      cut.ba = true
      const fromMs = clock.monotonicMs()
      while (evidence(a).phi < SUSPECT_PHI) clock.advance(10)
      expect(clock.monotonicMs() - fromMs).toBeLessThan(limitMs)
      expect(evidence(a).silentSide).toBe('here')
    }
  })

  it('knows from the peer that its own beats do not arrive', () => {
    const { a, cut, run, evidence } = setUp()
    run(10_000)
    cut.ab = true
    run(1_000)
    expect(evidence(a).phi).toBeLessThan(SUSPECT_PHI)
    run(3_000)
    expect(evidence(a)).toMatchObject({ silentSide: 'there' })
    expect(evidence(a).phi).toBeGreaterThanOrEqual(SUSPECT_PHI)
  })

  it('knows it within little more than a second under traffic, and only when the peer says so again and again', () => {
    const { a, b, clock, cut, run, setRhythm, evidence } = setUp()
    setRhythm(BUSY_INTERVAL_MS)
    run(10_000)
    // One beat that was written while ours waited to be read.
    a.receive({ ...b.nextBeat(BUSY_INTERVAL_MS), silentMs: 700 })
    expect(evidence(a).phi).toBeLessThan(SUSPECT_PHI)
    run(1_000)
    cut.ab = true
    const fromMs = clock.monotonicMs()
    run(700)
    // A line that loses packets is silent for as long.
    expect(evidence(a).phi).toBeLessThan(SUSPECT_PHI)
    while (evidence(a).phi < SUSPECT_PHI) run(BUSY_INTERVAL_MS)
    expect(evidence(a).silentSide).toBe('there')
    expect(clock.monotonicMs() - fromMs).toBeLessThan(1_200)
  })

  it('gives the peer time to answer when traffic begins, and not more than that', () => {
    const { clock, a, run, setRhythm, evidence } = setUp()
    run(10_000)
    clock.advance(900)
    setRhythm(BUSY_INTERVAL_MS)
    expect(evidence(a).phi).toBeLessThan(CALM_PHI)
    clock.advance(100)
    expect(evidence(a).phi).toBeLessThan(SUSPECT_PHI)
    clock.advance(400)
    expect(evidence(a).phi).toBeGreaterThanOrEqual(SUSPECT_PHI)
  })

  it('does not hold its own stall against the peer', () => {
    const { clock, a, b, run, evidence } = setUp()
    run(10_000)
    clock.advance(20_000)
    a.forgiveSilence(20_000)
    expect(evidence(a).phi).toBeLessThan(CALM_PHI)
    expect(a.silentMs()).toBeLessThan(1_000)
    // Forgiven once: what follows counts again.
    clock.advance(3_000)
    expect(evidence(a).phi).toBeGreaterThanOrEqual(SUSPECT_PHI)
    a.receive(b.nextBeat(IDLE_INTERVAL_MS))
    expect(a.measures().loss.inbound).toBe(0)
  })
})
