import type { PeerId } from '../../domain/ids.ts'
import { FaultError } from '../../platform/error.ts'
import type { ResetReason } from './session-frames.ts'

export type SessionFault =
  /** No path leads to the peer now. */
  | { code: 'NO_PATH'; peer: PeerId }
  /** Every path that was offered failed. */
  | { code: 'PATHS_FAILED'; peer: PeerId; tried: number }
  /** The other end does not take the session. */
  | { code: 'SESSION_REFUSED'; peer: PeerId; reason: ResetReason }
  /** The session ended before both directions were complete. */
  | { code: 'SESSION_RESET'; peer: PeerId; reason: ResetReason }
  /** This node holds as many sessions with the peer as it may. */
  | { code: 'TOO_MANY_SESSIONS'; peer: PeerId; limit: number }
  | { code: 'HELLO_FAILED'; peer: PeerId }
  | { code: 'SESSIONS_STOPPED' }

export const sessionFault = (
  fault: SessionFault,
  message: string,
  cause?: unknown,
): FaultError<SessionFault> =>
  new FaultError<SessionFault>(fault, message, cause === undefined ? {} : { cause })
