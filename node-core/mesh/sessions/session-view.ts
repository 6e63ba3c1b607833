import type { PeerId } from '../../domain/ids.ts'
import type { Path } from './ports.ts'

/** A session is known by who opened it, in which boot of that node, and its number there. */
export interface SessionId {
  readonly openedBy: 'self' | 'peer'
  readonly peer: PeerId
  readonly epoch: number
  readonly counter: number
}

export interface SessionView {
  readonly id: SessionId
  /** Of the carrier in use; none while the session waits for one. */
  readonly path: Path | undefined
  readonly standby: Path | undefined
  readonly rttMs: number | undefined
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly unackedBytes: number
  readonly resumes: number
  readonly stalls: number
  readonly promotions: number
  /** The longest time that bytes on their way were not acknowledged. */
  readonly longestGapMs: number
}
