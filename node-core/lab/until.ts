import { setTimeout as delay } from 'node:timers/promises'
import { FaultError } from '../platform/error.ts'
import type { WaitFault } from '../platform/wait.ts'

const POLL_MS = 10

/**
 * Looks until it is so. Unlike the waits of a node it keeps the process alive.
 *
 * @throws FaultError TIMEOUT, or what the condition throws
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  what: string,
  pollMs = POLL_MS,
  signal?: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) {
      throw new FaultError<WaitFault>(
        { code: 'TIMEOUT', what, afterMs: limitMs },
        `waited ${limitMs} ms for ${what}`,
      )
    }
    await delay(pollMs, undefined, signal === undefined ? {} : { signal })
  }
}
