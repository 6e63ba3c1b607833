import { systemClock } from '../platform/clock.ts'

const FIRST_PAUSE_MS = 25
const LONGEST_PAUSE_MS = 250

/**
 * Asks again and again, with growing pauses, until the answer is yes: true. False when the limit has passed.
 *
 * @throws FaultError INTERRUPTED, and whatever `condition` throws
 */
export async function until(
  condition: () => Promise<boolean>,
  { limitMs, signal }: { limitMs: number; signal: AbortSignal },
): Promise<boolean> {
  const endMs = systemClock.monotonicMs() + limitMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    if (await condition()) return true
    const leftMs = endMs - systemClock.monotonicMs()
    if (leftMs <= 0) return false
    await pause(Math.min(pauseMs, leftMs), signal)
  }
}

/** Unlike the waits of a node, this one keeps the process alive: it is what the process does. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupted = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', interrupted)
      resolve()
    }, delayMs)
    if (signal.aborted) interrupted()
    else signal.addEventListener('abort', interrupted, { once: true })
  })
}
