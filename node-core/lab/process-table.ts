import { readFileSync } from 'node:fs'

/**
 * What tells this run of a process from another one that gets its id later: the start time, where the system gives it.
 * `undefined` when there is no such process, or only what is left of one that nobody has collected.
 */
export function processMark(pid: number): string | undefined {
  if (process.platform !== 'linux') return isThere(pid) ? 'alive' : undefined
  try {
    // proc(5): the name, field 2, is in parentheses and may hold any character; the state is field 3, the start time 22.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Sends a signal; a process that is gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone between the look and the call.
  }
}

/** True once SIGSTOP has taken hold of the process; where the system does not tell, at once. */
export function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') return true
  try {
    return /^\) [Tt]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*(?=\) )/s, ''))
  } catch {
    return false
  }
}
