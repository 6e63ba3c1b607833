import { existsSync, renameSync } from 'node:fs'
import type { Clock } from '../platform/clock.ts'

/**
 * Moves a damaged store out of the way, with the files that belong to it, so that a new one can be begun and somebody
 * can still look at the old one. Nothing may have the store open. Returns where it went.
 */
export function setAsideKnowledge(deps: { readonly clock: Clock }, path: string): string {
  const stamp = new Date(deps.clock.now()).toISOString().replaceAll(/[-:]/g, '').replace('.', '-')
  let target = `${path}.corrupt-${stamp}`
  for (let n = 2; existsSync(target); n += 1) target = `${path}.corrupt-${stamp}-${n}`
  // The log first: left behind, it would be replayed into the new store.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${target}${suffix}`)
  }
  return target
}
