import { readFileSync } from 'node:fs'
import { errnoOf } from './fault.ts'

/** Whether a process has ended. */
export function processIsGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return isZombie(pid)
  } catch (error) {
    // EPERM: it lives, under another user.
    return errnoOf(error) !== 'EPERM'
  }
}

/** Ended, but not yet collected by its parent; some container inits take their time, or never do it. */
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    // proc(5): the state is the first field after the name, which is in parentheses and may hold any character.
    return /^\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*(?=\) )/s, ''))
  } catch {
    return true
  }
}
