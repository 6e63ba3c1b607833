import type { Clock } from './clock.ts'
import { FaultError } from './error.ts'

export type WaitFault = { code: 'TIMEOUT'; what: string; afterMs: number } | { code: 'ABORTED'; what: string }

function aborted(what: string, signal: AbortSignal): FaultError<WaitFault> {
  return new FaultError<WaitFault>({ code: 'ABORTED', what }, `${what} was aborted`, { cause: signal.reason })
}

/** Resolves after `delayMs`, rejects with ABORTED as soon as the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(aborted('a wait', signal))
      return
    }
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = (): void => {
      cancel()
      reject(aborted('a wait', signal as AbortSignal))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/**
 * Runs `work` with a signal that aborts after `limitMs` or with the given signal, and rejects with TIMEOUT or ABORTED
 * at that moment whether or not `work` listens. `what` names the wait in the message: "the join exchange".
 */
export async function withTimeout<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const controller = new AbortController()
  if (signal?.aborted === true) throw aborted(what, signal)
  let settle: (error: unknown) => void = () => {}
  const limit = new Promise<never>((_resolve, reject) => {
    settle = reject
  })
  const stop = (error: FaultError<WaitFault>): void => {
    controller.abort(error)
    settle(error)
  }
  const onAbort = (): void => stop(aborted(what, signal as AbortSignal))
  signal?.addEventListener('abort', onAbort, { once: true })
  const cancel = clock.after(limitMs, () =>
    stop(
      new FaultError<WaitFault>(
        { code: 'TIMEOUT', what, afterMs: limitMs },
        `${what} took longer than ${limitMs} ms`,
      ),
    ),
  )
  try {
    return await Promise.race([work(controller.signal), limit])
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
