import { FaultError, messageOf } from '../../platform/error.ts'

export interface NotifyFault {
  readonly code: 'NOTIFY_FAILED'
  readonly why: string
  /** Whether the same message can succeed later; a wrong key does not become right. */
  readonly retry: boolean
  /** How long the receiver wants to be left alone. */
  readonly retryAfterMs: number | undefined
}

export interface NotToldOptions {
  readonly retry: boolean
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** `what` was not told, with the reason; never with a secret in it. */
export const notTold = (
  what: string,
  why: string,
  { retry, retryAfterMs, cause }: NotToldOptions,
): FaultError<NotifyFault> =>
  new FaultError<NotifyFault>(
    { code: 'NOTIFY_FAILED', why, retry, retryAfterMs },
    `${what} was not told: ${why}`,
    {
      cause,
    },
  )

export const unreachable = (what: string, cause: unknown): FaultError<NotifyFault> =>
  notTold(what, messageOf(cause), { retry: true, cause })
