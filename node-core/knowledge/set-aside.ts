import { existsSync, renameSync } from 'node:fs'
import type { Clock } from '../platform/clock.ts'

/**
 * Moves a store out of the way, with the files that belong to it, so that a new one can be begun and somebody can still
 * look at the old one: `left` by a membership that is over. Nothing may have it open. Returns where it went.
 */
export function setAsideStore(
  deps: { readonly clock: Clock },
  path: string,
  why: 'corrupt' | 'left',
): string {
  const stamp = new Date(deps.clock.now()).toISOString().replaceAll(/[-:]/g, '').replace('.', '-')
  const base = `${path}.${why}-${stamp}`
  let target = base
  for (let n = 2; existsSync(target); n += 1) target = `${base}-${n}`
  // The log first: left behind, it would be replayed into the new store.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${target}${suffix}`)
  }
  return target
}
