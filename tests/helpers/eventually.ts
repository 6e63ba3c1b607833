import { setTimeout as delay } from 'node:timers/promises'

/** Waits until `condition` holds, looking again often; fails with `what` after `limitMs`. */
export async function eventually(what: string, condition: () => boolean, limitMs = 15_000): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${limitMs} ms: ${what}`)
    await delay(5)
  }
}
