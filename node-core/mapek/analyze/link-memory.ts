import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { ALARM_SCORE, type Detector } from '../detect/detector.ts'
import { createFlapCounter } from '../detect/flap-counter.ts'
import type { LinkFact, Signs } from '../monitor/picture.ts'

/** What is remembered of a link between two looks at it. */
export interface LinkMemory {
  readonly peer: PeerId
  /** When its present trouble began, ms since the epoch; undefined while it works. */
  readonly troubleAt: number | undefined
  readonly reason: string
  readonly silentSide: 'here' | 'there' | undefined
  readonly farewell: 'stopped' | 'full' | undefined
  /** When it last worked, ms since the epoch; undefined if never. */
  readonly workedAt: number | undefined
  readonly isFlapping: boolean
}

interface Memory extends LinkMemory {
  troubleAt: number | undefined
  reason: string
  silentSide: 'here' | 'there' | undefined
  farewell: 'stopped' | 'full' | undefined
  workedAt: number | undefined
  readonly flaps: Detector
}

/** Coming back so often within this time is no coincidence. */
const FLAPS = { changes: 5, windowMs: 60_000 }
const MAX_LINKS = 256

export interface LinkMemories {
  of(peer: PeerId): LinkMemory | undefined
  /** Links that have worked since this node started. */
  all(): readonly LinkMemory[]
  note(sign: Signs['link']): void
  /** Links that were there before anybody listened. */
  meet(links: readonly LinkFact[]): void
  /** The machine slept: what was remembered of silence is void. */
  forgive(): void
}

export function createLinkMemories(clock: Clock): LinkMemories {
  const memories = new Map<PeerId, Memory>()

  const of = (peer: PeerId): Memory => {
    const known = memories.get(peer)
    if (known !== undefined) return known
    const [oldest] = memories.keys()
    if (oldest !== undefined && memories.size >= MAX_LINKS) memories.delete(oldest)
    const memory: Memory = {
      ...{ peer, troubleAt: undefined, reason: '', silentSide: undefined, farewell: undefined },
      ...{ workedAt: undefined, flaps: createFlapCounter(FLAPS) },
      get isFlapping() {
        // Asked at any time: what has left the window does not count.
        return this.flaps.update({ at: clock.now(), value: Number.NaN }) >= ALARM_SCORE
      },
    }
    memories.set(peer, memory)
    return memory
  }

  return {
    of: (peer) => memories.get(peer),
    all: () => [...memories.values()],
    note({ peer, to, reason, silentSide, farewell }) {
      const memory = of(peer)
      const now = clock.now()
      const works = to === 'up' || to === 'degraded'
      // A goodbye is no flap, however often a neighbour restarts.
      // Nor is a suspicion that is given up again: that is a busy machine.
      const isTurn = farewell === undefined && (works || to === 'down')
      if (isTurn) memory.flaps.update({ at: now, value: works ? 1 : 0 })
      if (works) memory.workedAt = now
      if (to === 'up') memory.troubleAt = undefined
      else memory.troubleAt ??= now
      memory.reason = reason
      // The other end's word that it hears nothing stays: it ends the link soon, and then this end hears nothing either.
      const named = memory.silentSide === 'there' ? 'there' : (silentSide ?? memory.silentSide)
      memory.silentSide = works ? undefined : named
      memory.farewell = farewell
    },
    meet(links) {
      for (const { peer, state } of links) {
        if (state !== 'up' && state !== 'degraded') continue
        of(peer).workedAt ??= clock.now()
      }
    },
    forgive() {
      for (const memory of memories.values()) memory.troubleAt = undefined
    },
  }
}
