import type { PeerId } from '../../domain/ids.ts'
import type { LinkView } from '../links/link-view.ts'

/** As long as the bottleneck model of BBR remembers a round trip (draft-ietf-ccwg-bbr, MinRTTFilterLen). */
const WINDOW_MS = 10_000
const MAX_SAMPLES = 32

interface Sample {
  readonly atMs: number
  readonly rttMs: number
}

/**
 * The lowest smoothed round trip of each link within ten seconds: what the way takes when nothing disturbs it. A moment in
 * which one of the machines was busy is no reason to send traffic another way; a link that hangs is found out by its state.
 */
export interface LowestRtt {
  /** Call it about every second. */
  sample(links: readonly LinkView[], nowMs: number): void
  /** The lower of what is remembered and what is measured now, ms; `undefined` before the first measurement. */
  of(link: LinkView): number | undefined
}

export function createLowestRtt(): LowestRtt {
  const samples = new Map<PeerId, readonly Sample[]>()
  return {
    sample(links, nowMs) {
      const linked = new Set(links.map(({ peer }) => peer))
      for (const peer of samples.keys()) if (!linked.has(peer)) samples.delete(peer)
      for (const { peer, rttMs } of links) {
        const recent = (samples.get(peer) ?? []).filter(({ atMs }) => nowMs - atMs < WINDOW_MS)
        // A link that is down has none, and a new connection is measured from the beginning.
        const kept = rttMs === undefined ? [] : [...recent, { atMs: nowMs, rttMs }]
        samples.set(peer, kept.slice(-MAX_SAMPLES))
      }
    },
    of({ peer, rttMs }) {
      if (rttMs === undefined) return undefined
      return Math.min(rttMs, ...(samples.get(peer) ?? []).map((sample) => sample.rttMs))
    },
  }
}
