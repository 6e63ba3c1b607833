import { readFileSync } from 'node:fs'

/** Linux counts process time in hundredths of a second (`getconf CLK_TCK` is 100 on all its platforms). */
const TICK_MS = 10

/** User and system time of a process, milliseconds. proc_pid_stat(5): fields 14 and 15, behind the name in brackets. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Resident memory in MB of 2^20 bytes, as `top` shows it. */
export function residentMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
}

/** Time that all of them have used together. */
export const cpuMsOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuMs(pid), 0)

/** Memory of a process where pages that several processes share count in parts, MB of 2^20 bytes. */
export function proportionalMb(pid: number): number {
  return Number(/Pss:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) / 1_024
}
