import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { cpus, freemem, totalmem } from 'node:os'
import type { ResourceFact } from '../../mapek/monitor/picture.ts'
import type { Clock } from '../../platform/clock.ts'

/** What this process and its machine have left, measured at most once a second: asking more often costs nothing. */
export interface Resources {
  sample(): ResourceFact | undefined
}

/** Since the machine started, over all cores, in a unit of the system's own. */
interface MachineTimes {
  readonly idle: number
  readonly total: number
}

const SAMPLE_MS = 1_000
/** Counting descriptors and asking the file system are calls of their own. */
const STARTING_MS = 15_000
const SLOW_SAMPLE_MS = 15_000

export interface ResourcesDeps {
  readonly clock: Clock
  readonly home: string
  /** Since it was asked last. A measurement with a timer of its own costs an idle node more than all others together. */
  readonly takeWorstLagMs: () => number
}

export function createResources({ clock, home, takeWorstLagMs }: ResourcesDeps): Resources {
  let last: ResourceFact | undefined
  let [lastMs, slowMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const startedMs = clock.monotonicMs()
  let usage = process.cpuUsage()
  let machine = machineTimes()
  let slow: Pick<ResourceFact, 'descriptors' | 'descriptorLimit' | 'freeDiskShare'> | undefined

  const measure = (elapsedMs: number): ResourceFact => {
    const { user, system } = process.cpuUsage(usage)
    usage = process.cpuUsage()
    const now = machineTimes()
    const busy = 1 - (now.idle - machine.idle) / Math.max(1, now.total - machine.total)
    machine = now
    if (slow === undefined || clock.monotonicMs() - slowMs >= SLOW_SAMPLE_MS) {
      slowMs = clock.monotonicMs()
      slow = measureSlowly(home)
    }
    return {
      cpuShare: (user + system) / 1_000 / elapsedMs,
      machineShare: Math.max(0, Math.min(1, busy)),
      memoryBytes: process.memoryUsage.rss(),
      freeMemoryShare: freeMemory() / totalmem(),
      loopLagMs: takeWorstLagMs(),
      ...slow,
    }
  }

  return {
    sample() {
      const elapsedMs = clock.monotonicMs() - lastMs
      if (elapsedMs < SAMPLE_MS) return last
      lastMs = clock.monotonicMs()
      const fact = measure(Math.max(1, elapsedMs))
      // Starting is work, and no load that anything is to be done about.
      if (clock.monotonicMs() - startedMs >= STARTING_MS) last = fact
      return last
    },
  }
}

function machineTimes(): MachineTimes {
  return linuxTimes() ?? timesOfCores()
}

/** proc_stat(5), the line over all cores: user, nice, system, idle, iowait, irq. `os.cpus()` opens two files more for each core. */
function linuxTimes(): MachineTimes | undefined {
  try {
    const line = /^cpu +(.+)/
      .exec(readFileSync('/proc/stat', 'utf8'))?.[1]
      ?.split(' ')
      .slice(0, 6)
      .map(Number)
    const idle = line?.[3]
    if (line === undefined || idle === undefined || !line.every(Number.isFinite)) return undefined
    return { idle, total: line.reduce((sum, ticks) => sum + ticks, 0) }
  } catch {
    return undefined
  }
}

function timesOfCores(): MachineTimes {
  let [idle, total] = [0, 0]
  for (const { times } of cpus()) {
    idle += times.idle
    total += times.idle + times.user + times.nice + times.sys + times.irq
  }
  return { idle, total }
}

/** What a process could still get: on Linux more than is free, because caches give way. */
function freeMemory(): number {
  try {
    const available = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]
    return available === undefined ? freemem() : Number(available) * 1_024
  } catch {
    return freemem()
  }
}

function measureSlowly(
  home: string,
): Pick<ResourceFact, 'descriptors' | 'descriptorLimit' | 'freeDiskShare'> {
  return {
    descriptors: orUnknown(() => readdirSync('/proc/self/fd').length),
    descriptorLimit: orUnknown(() =>
      Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]),
    ),
    freeDiskShare: orUnknown(() => {
      const { bavail, blocks } = statfsSync(home)
      return bavail / blocks
    }),
  }
}

/** What a system does not tell is unknown, not fine. */
function orUnknown(read: () => number): number | undefined {
  try {
    const value = read()
    return Number.isFinite(value) ? value : undefined
  } catch {
    return undefined
  }
}
