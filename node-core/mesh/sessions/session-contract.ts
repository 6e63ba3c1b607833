import type { Duplex } from 'node:stream'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import type { StreamCarrier } from './carrier.ts'
import type { DialResult } from './carrier-keeper.ts'
import type { Account } from './ledger.ts'
import type { Path } from './ports.ts'
import type { Position } from './receive-side.ts'
import type { ResetReason } from './session-frames.ts'
import type { SessionId, SessionView } from './session-view.ts'

export interface SessionDeps {
  readonly clock: Clock
  readonly random: Random
  defer(work: () => void): void
  /** The books of the peer: for what was written, and for what may come. */
  readonly sending: Account
  readonly receiving: Account
  paths(): readonly Path[]
  /** Dials a carrier for this session and attaches it with `attach`. Never rejects. */
  dial(session: Session, path: Path, role: 'primary' | 'standby', signal: AbortSignal): Promise<DialResult>
  readonly events: SessionNotices
}

export interface SessionNotices {
  stalled(session: Session): void
  promoted(session: Session): void
  /** The last carrier is gone. */
  orphaned(session: Session): void
  /** Every path that was offered has failed, and no carrier is there. */
  exhausted(session: Session): void
  /** Nothing is left of it but its name. */
  over(session: Session, outcome: 'finished' | ResetReason): void
}

export interface SessionOptions {
  /** How long a session waits for a path, or for any progress, before it gives up. */
  readonly resumeWindowMs: number
}

/** A carrier, the path that it takes, and what its hello took, where this end knows. */
export interface PlacedStream {
  readonly carrier: StreamCarrier
  readonly path: Path
  readonly rttMs?: number
}

/** One session at one end: the byte stream, its carriers, and the application's side of it. */
export interface Session {
  readonly id: SessionId
  readonly duplex: Duplex
  readonly isOver: boolean
  /** Whether a carrier was ever attached. */
  readonly isEstablished: boolean
  readonly isOrphaned: boolean
  /** Takes a carrier over, whose hellos are exchanged. */
  attach(carrier: PlacedStream, peer: Position, role: 'primary' | 'standby'): void
  position(): Position
  /** Starts looking for carriers. */
  keep(): void
  pathsChanged(): void
  /** Leaves the path in use for the standby, if it crosses what is to be left and the standby does not. */
  leave(crosses: (path: Path) => boolean): boolean
  /** Makes its carriers anew; nothing is lost by it. False when it has none. */
  restart(): boolean
  /** The other end finished; so did this one, if it had everything and gave everything. */
  finishedThere(): void
  /** Ends the session in both directions; the other end is told where a carrier works. */
  reset(reason: ResetReason): void
  view(): SessionView
}
