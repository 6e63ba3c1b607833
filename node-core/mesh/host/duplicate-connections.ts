import type { PeerId } from '../../domain/ids.ts'

/** What decides between two connections to one peer. */
export interface ConnectionAge {
  readonly direction: 'inbound' | 'outbound'
  /** Monotonic ms when the upgrade was done at this end. */
  readonly openedAtMs: number
}

/** Two connections made within this time are taken for both ends dialling at once. */
export const SIMULTANEOUS_DIAL_MS = 3_000

/**
 * Which of two connections to one peer stays. Both ends come to the same answer by themselves:
 * - made at about the same time by the two ends: the one that the lower PeerId dialled;
 * - otherwise the newer, because nobody dials a peer that it believes to be connected: the end that dialled has lost
 *   the older one, by a restart or a sleep, and this end has not seen it yet.
 *
 * At the edge of the time span the ends may differ, and then close both; the next dial starts afresh.
 */
export function connectionToKeep<C extends ConnectionAge>(
  self: PeerId,
  peer: PeerId,
  current: C,
  candidate: C,
): C {
  const isSimultaneous = candidate.openedAtMs - current.openedAtMs <= SIMULTANEOUS_DIAL_MS
  if (current.direction === candidate.direction || !isSimultaneous) return candidate
  const preferred = self < peer ? 'outbound' : 'inbound'
  return current.direction === preferred ? current : candidate
}
