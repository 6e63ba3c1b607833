import { readdirSync, readFileSync, statfsSync } from 'node:fs'
import { cpus, freemem, totalmem } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { ResourceFact } from '../../mapek/monitor/picture.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'

/** What this process and its machine have left, measured at most once a second: asking more often costs nothing. */
export interface Resources extends Lifecycle {
  sample(): ResourceFact | undefined
}

const SAMPLE_MS = 1_000
/** Counting descriptors and asking the file system are calls of their own. */
const STARTING_MS = 15_000
const SLOW_SAMPLE_MS = 15_000
const LAG_RESOLUTION_MS = 20

export function createResources(deps: { readonly clock: Clock; readonly home: string }): Resources {
  const { clock, home } = deps
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
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
    const lagMs = Math.max(0, (delay?.max ?? 0) / 1e6 - LAG_RESOLUTION_MS)
    delay?.reset()
    if (slow === undefined || clock.monotonicMs() - slowMs >= SLOW_SAMPLE_MS) {
      slowMs = clock.monotonicMs()
      slow = measureSlowly(home)
    }
    return {
      cpuShare: (user + system) / 1_000 / elapsedMs,
      machineShare: Math.max(0, Math.min(1, busy)),
      memoryBytes: process.memoryUsage.rss(),
      freeMemoryShare: freeMemory() / totalmem(),
      loopLagMs: lagMs,
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
    async start() {
      delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
      delay.enable()
    },
    async stop() {
      delay?.disable()
      delay = undefined
    },
  }
}

function machineTimes(): { idle: number; total: number } {
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
