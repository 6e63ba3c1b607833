import type { Clock } from '../../platform/clock.ts'
import type { Carrier } from './lane.ts'
import type { Position } from './receive-side.ts'
import type { ResetReason, SessionFrame } from './session-frames.ts'

export interface SessionCoreDeps {
  readonly clock: Clock
  /** Runs `work` soon, once: receipt is told once for all that came in one turn of the event loop. */
  defer(work: () => void): void
}

export interface SessionEvents {
  /** The next bytes of the stream: each once, in order. Answer with `consumed` when they are out of memory. */
  deliver(payload: Uint8Array): void
  /** The other end has ended its stream, and all of it was delivered. */
  remoteEnded(): void
  /** So many written bytes are acknowledged and forgotten. */
  released(sizeBytes: number): void
  /** The other end has everything that was written, and knows that it is everything. */
  flushed(): void
  /** Both directions have ended and all is acknowledged. */
  finished(): void
  failed(reason: ResetReason): void
  /** No progress: another carrier is being tried, or a new one is wanted where there is none. */
  stalled(): void
  /** Another carrier is the primary now. */
  promoted(carrier: Carrier): void
  /** The last carrier is gone: the session waits for another one. */
  orphaned(): void
}

/** What one end knows of how it goes. */
export interface CoreView {
  readonly primary: Carrier | undefined
  /** Carriers that stalled and were not heard of since. */
  readonly failed: readonly Carrier[]
  readonly smoothedRttMs: number | undefined
  readonly sentBytes: number
  readonly receivedBytes: number
  readonly unackedBytes: number
  /** How long the oldest byte on its way has waited for an acknowledgement; 0 when none is. */
  readonly waitingMs: number
  readonly longestGapMs: number
}

/**
 * The resumable byte stream itself, without any I/O: what was written is kept until acknowledged, what arrives twice
 * is delivered once, and when the primary carrier makes no progress another one repeats from the first unacknowledged
 * byte. Each end chooses the primary for its own direction.
 */
export interface SessionCore {
  /**
   * Adds a carrier on which the other end has all below `peer.received`. The first is the primary whatever its
   * role. `rttMs` is what its hello took, where that is known: without it a long path would stall at once.
   */
  attach(carrier: Carrier, peer: Position, role: 'primary' | 'standby', rttMs?: number): void
  detach(carrier: Carrier): void
  receive(carrier: Carrier, frame: SessionFrame): void
  drained(carrier: Carrier): void
  /** Queues bytes, without a copy: they must not change afterwards. */
  write(bytes: Uint8Array): void
  end(): void
  abort(reason: ResetReason): void
  /** The other end says, outside of any carrier, that it had finished. True when this end has, too, with that. */
  finishedThere(): boolean
  /** The application is done with `size` delivered bytes: the other end may send as many more. */
  consumed(size: number): void
  /** What a hello tells the other end. */
  position(): Position
  view(): CoreView
  readonly unackedBytes: number
  /** Unacknowledged bytes above which the writer should wait. */
  readonly roomBytes: number
  /** Nothing goes in or out any more. */
  readonly isOver: boolean
}
