import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { initialStatus, type LinkEvidence, type LinkStatus, nextStatus } from './link-state.ts'

const calm: LinkEvidence = {
  phi: 0,
  silentSide: 'here',
  intervalMs: 100,
  silentMs: 20,
  smoothedRttMs: 10,
  baselineRttMs: 10,
  lossEstimate: 0,
}
const silent: LinkEvidence = { ...calm, phi: 20, silentMs: 900 }

/** Looks every 100 ms. */
const watch = (status: LinkStatus, evidence: LinkEvidence, fromMs: number, forMs: number): LinkStatus => {
  let now = status
  for (let atMs = fromMs; atMs <= fromMs + forMs; atMs += 100) now = nextStatus(now, evidence, atMs)
  return now
}

describe('link state', () => {
  it('stays up while all is well', () => {
    expect(watch(initialStatus(0), calm, 0, 60_000)).toEqual(initialStatus(0))
  })

  it('turns suspect at once, and down when the silence goes on', () => {
    const suspect = nextStatus(initialStatus(0), silent, 1_000)
    expect(suspect).toMatchObject({ state: 'suspect', sinceMs: 1_000 })
    expect(watch(suspect, silent, 1_100, 1_200).state).toBe('suspect')
    expect(watch(suspect, silent, 1_100, 1_600).state).toBe('down')
  })

  it('is more patient with an idle link', () => {
    const idle = { ...silent, intervalMs: 1_000 }
    const suspect = nextStatus(initialStatus(0), idle, 1_000)
    expect(watch(suspect, idle, 1_100, 1_700).state).toBe('suspect')
    expect(watch(suspect, idle, 1_100, 2_000).state).toBe('down')
  })

  it('comes back from suspect only after it was heard for a while', () => {
    const suspect = nextStatus(initialStatus(0), silent, 1_000)
    expect(watch(suspect, calm, 1_100, 300).state).toBe('suspect')
    expect(watch(suspect, calm, 1_100, 400).state).toBe('up')
    const relapsed = nextStatus(watch(suspect, calm, 1_100, 300), silent, 1_500)
    expect(watch(relapsed, calm, 1_600, 300).state).toBe('suspect')
  })

  it('degrades by loss or delay, and does not flap around the threshold', () => {
    const lossy = { ...calm, lossEstimate: 0.06 }
    const degraded = nextStatus(initialStatus(0), lossy, 1_000)
    expect(degraded.state).toBe('degraded')
    expect(watch(degraded, { ...calm, lossEstimate: 0.03 }, 1_100, 60_000).state).toBe('degraded')
    expect(watch(degraded, calm, 1_100, 4_900).state).toBe('degraded')
    expect(watch(degraded, calm, 1_100, 5_000).state).toBe('up')
    const idle = { ...calm, intervalMs: 1_000 }
    expect(nextStatus(initialStatus(0), { ...idle, smoothedRttMs: 90 }, 1).state).toBe('degraded')
    expect(nextStatus(initialStatus(0), { ...idle, smoothedRttMs: 70 }, 1).state).toBe('up')
    expect(nextStatus(initialStatus(0), { ...calm, smoothedRttMs: 250 }, 1).state).toBe('up')
    expect(nextStatus(initialStatus(0), { ...calm, smoothedRttMs: 300 }, 1).state).toBe('degraded')
  })

  it('never leaves down, never goes down without having been suspect, and keeps the time of the last change', () => {
    const evidence = fc.record({
      phi: fc.constantFrom(0, 0.5, 4, 9, 100),
      silentSide: fc.constantFrom('here' as const, 'there' as const),
      intervalMs: fc.constantFrom(100, 1_000),
      silentMs: fc.nat(5_000),
      smoothedRttMs: fc.option(fc.nat(500), { nil: undefined }),
      baselineRttMs: fc.option(fc.nat(100), { nil: undefined }),
      lossEstimate: fc.constantFrom(0, 0.03, 0.2),
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(evidence, fc.integer({ min: 1, max: 2_000 }))), (series) => {
        let status = initialStatus(0)
        let nowMs = 0
        for (const [seen, stepMs] of series) {
          nowMs += stepMs
          const next = nextStatus(status, seen, nowMs)
          if (status.state === 'down') expect(next).toBe(status)
          if (next.state === 'down' && status.state !== 'down') expect(status.state).toBe('suspect')
          expect(next.sinceMs).toBe(next.state === status.state ? status.sinceMs : nowMs)
          status = next
        }
      }),
    )
  })
})
