import type { PeerId } from '../../domain/ids.ts'
import { forgetOldest } from '../../platform/bounded.ts'

/*
 * After RFC 2439, "BGP Route Flap Damping": every loss of a link adds to its penalty, which halves with time. Losses
 * are always told at once; a link that was lost too often counts as a good one again only when it has been quiet.
 */

const DOWN_PENALTY = 1_000
const SUSPECT_PENALTY = 500
const MAX_PENALTY = 6_000
const SUPPRESS_AT = 3_000
const REUSE_AT = 1_500
const HALF_LIFE_MS = 30_000
/** Below this a link is as good as new, and is forgotten. */
const FORGET_AT = 50
/** Peers that are remembered: more than a node has links, so that no other's flaps can push one out. */
const MAX_PEERS = 4_096

interface Penalty {
  readonly value: number
  readonly atMs: number
  readonly isSuppressed: boolean
}

export interface FlapDamping {
  /** Something was lost: the link itself, or the certainty that it works. */
  lost(peer: PeerId, what: 'down' | 'suspect', nowMs: number): void
  /** Whether the link is to be left for last now. */
  isSuppressed(peer: PeerId, nowMs: number): boolean
  /** How long until the first suppressed link counts as a good one again, ms; `undefined` when none is suppressed. */
  reuseInMs(nowMs: number): number | undefined
}

export function createFlapDamping(): FlapDamping {
  const penalties = new Map<PeerId, Penalty>()

  const now = (peer: PeerId, nowMs: number): Penalty => {
    const known = penalties.get(peer)
    if (known === undefined) return { value: 0, atMs: nowMs, isSuppressed: false }
    const value = known.value * 0.5 ** ((nowMs - known.atMs) / HALF_LIFE_MS)
    const isSuppressed = known.isSuppressed ? value > REUSE_AT : value >= SUPPRESS_AT
    const current = { value, atMs: nowMs, isSuppressed }
    if (value < FORGET_AT) penalties.delete(peer)
    else penalties.set(peer, current)
    return current
  }

  return {
    lost(peer, what, nowMs) {
      const added = now(peer, nowMs).value + (what === 'down' ? DOWN_PENALTY : SUSPECT_PENALTY)
      const value = Math.min(MAX_PENALTY, added)
      const isSuppressed = (penalties.get(peer)?.isSuppressed ?? false) || value >= SUPPRESS_AT
      penalties.delete(peer)
      penalties.set(peer, { value, atMs: nowMs, isSuppressed })
      forgetOldest(penalties, MAX_PEERS)
    },
    isSuppressed: (peer, nowMs) => now(peer, nowMs).isSuppressed,
    reuseInMs(nowMs) {
      const waits = [...penalties.keys()].flatMap((peer) => {
        const { value, isSuppressed } = now(peer, nowMs)
        return isSuppressed ? [Math.ceil(HALF_LIFE_MS * Math.log2(value / REUSE_AT)) + 1] : []
      })
      return waits.length === 0 ? undefined : Math.min(...waits)
    },
  }
}
