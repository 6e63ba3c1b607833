import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'

export interface Mutes {
  /** Counts something bad against whoever passed it on: an honest node verifies before it does. */
  count(peer: PeerId, what: string): void
  isMuted(peer: PeerId): boolean
}

export interface MuteDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Counts something bad against the neighbour that passed it on. */
  readonly noteMisbehaviour: (peer: PeerId, what: string) => void
}

export interface MuteOptions {
  /** A neighbour that passed on this much bad is not listened to for a while. Default 8. */
  readonly maxBad?: number
  /** For how long. Default 10 minutes. */
  readonly muteMs?: number
}

export function createMutes({ clock, logger, noteMisbehaviour }: MuteDeps, options: MuteOptions): Mutes {
  const { maxBad = 8, muteMs = 10 * 60_000 } = options
  const counts = new Map<PeerId, number>()
  const until = new Map<PeerId, number>()
  return {
    count(peer, what) {
      const bad = (counts.get(peer) ?? 0) + 1
      counts.set(peer, bad)
      noteMisbehaviour(peer, what)
      if (bad < maxBad) return
      counts.delete(peer)
      until.set(peer, clock.monotonicMs() + muteMs)
      logger.warn('a neighbour keeps passing on what is bad: not listening to it for a while', {
        peer,
        muteMs,
      })
    },
    isMuted(peer) {
      const end = until.get(peer)
      if (end === undefined) return false
      if (clock.monotonicMs() < end) return true
      until.delete(peer)
      return false
    },
  }
}
