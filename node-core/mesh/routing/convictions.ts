import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { compareAdvertNumbers, type EquivocationProof } from '../../security/link-advert.ts'

/** Who signed two adverts under one number, and for how long no path leads over them. */
export interface Convictions {
  convict(proof: EquivocationProof): void
  /** The newest proof against the origin. Its adverts count again from a higher incarnation on. */
  proofOf(origin: PeerId): EquivocationProof | undefined
  isHeldBack(origin: PeerId): boolean
  all(): readonly EquivocationProof[]
  /** Those whose time has ended since the last call. */
  released(): readonly PeerId[]
  forget(origin: PeerId): void
}

/** The first conviction holds for a minute, each further one twice as long as the one before. */
const FIRST_HOLD_MS = 60_000
const MAX_HOLD_MS = 3_600_000

interface Conviction {
  readonly proof: EquivocationProof
  readonly untilMs: number
  readonly times: number
}

export function createConvictions(clock: Clock): Convictions {
  const byOrigin = new Map<PeerId, Conviction>()
  const held = new Set<PeerId>()
  return {
    convict(proof) {
      const known = byOrigin.get(proof.origin)
      if (known !== undefined && compareAdvertNumbers(proof, known.proof) <= 0) return
      const times = (known?.times ?? 0) + 1
      const holdMs = Math.min(MAX_HOLD_MS, FIRST_HOLD_MS * 2 ** (times - 1))
      byOrigin.set(proof.origin, { proof, times, untilMs: clock.monotonicMs() + holdMs })
      held.add(proof.origin)
    },
    proofOf: (origin) => byOrigin.get(origin)?.proof,
    isHeldBack: (origin) => clock.monotonicMs() < (byOrigin.get(origin)?.untilMs ?? 0),
    all: () => [...byOrigin.values()].map(({ proof }) => proof),
    released() {
      const nowMs = clock.monotonicMs()
      const over = [...held].filter((origin) => nowMs >= (byOrigin.get(origin)?.untilMs ?? 0))
      for (const origin of over) held.delete(origin)
      return over
    },
    forget(origin) {
      byOrigin.delete(origin)
      held.delete(origin)
    },
  }
}
