import { setTimeout as delay } from 'node:timers/promises'
import { farthestEnds } from '../../node-core/lab/invariants/traffic.ts'
import { createInvariantWatch } from '../../node-core/lab/invariants/watch.ts'
import type { Lab } from '../../node-core/lab/lab.ts'
import { systemClock } from '../../node-core/platform/clock.ts'
import { systemRandom } from '../../node-core/platform/random.ts'
import { FaultRunner } from './fault-runner.ts'
import { type Judges, startJudges } from './judges.ts'
import { createMemoryWatch, type MemoryVerdict, type MemoryWatch, MIN_MEMORY_RUN_MS } from './memory-watch.ts'
import { missingRoutes } from './path-check.ts'

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

export interface SoakOutcome {
  readonly violations: readonly string[]
  /** The last things that happened, oldest first. */
  readonly history: readonly string[]
  readonly memory: readonly MemoryVerdict[]
  /** What to read when all went well. */
  readonly figures: Readonly<Record<string, string | number>>
}

const TICK_MS = 100
const LOOK_MS = 5_000
const SETTLED_MS = 60_000
/** Of the memory at minute two. */
const MAX_GROWTH = 1.1
const MAX_HISTORY = 200

/** Runs faults from a seed until the time is up or an invariant is violated. */
export async function runSoak(lab: Lab, options: SoakOptions): Promise<SoakOutcome> {
  const startedMs = performance.now()
  const history: string[] = []
  const note = (text: string): void => {
    history.push(`${((performance.now() - startedMs) / 1_000).toFixed(2).padStart(8)}  ${text}`)
    if (history.length > MAX_HISTORY) history.shift()
  }
  await lab.start()
  await lab.linked()
  const ends = farthestEnds(lab)
  note(`${lab.topology.nodes.length} nodes are linked; ${ends.join(' and ')} judge`)
  const judges = await startJudges(lab, ends)
  const watch = createInvariantWatch({ clock: systemClock, random: systemRandom }, lab, {
    ...{ everyMs: LOOK_MS, traffic: false },
  })
  await watch.start()
  const memory = createMemoryWatch(lab)
  const violations: string[] = []
  const found = (): readonly string[] => [
    ...violations,
    ...judges.violations(),
    ...watch.violations().map(({ kind, detail }) => `${kind}: ${detail}`),
  ]
  try {
    const runner = new FaultRunner({ lab, ends, seed: options.seed, note })
    await run(options, { runner, memory, found, violations })
    violations.push(...(await settle(lab, options, { runner, judges, found })))
    const verdicts = memory.verdicts(performance.now())
    for (const { node, earlyMb, endMb } of verdicts) {
      if (endMb > MAX_GROWTH * earlyMb) violations.push(`memory: ${node} grew from ${earlyMb} to ${endMb} MB`)
    }
    return {
      ...{ violations: found(), history, memory: verdicts },
      figures: { ...judges.figures(), faults: runner.count, 'looks at every node': watch.checks() },
    }
  } finally {
    await watch.stop()
    await judges.close()
  }
}

interface Running {
  readonly runner: FaultRunner
  readonly memory: MemoryWatch
  readonly found: () => readonly string[]
  readonly violations: string[]
}

async function run(
  { minutes, signal, say }: SoakOptions,
  { runner, memory, found, violations }: Running,
): Promise<void> {
  const beganMs = performance.now()
  const totalMs = minutes * 60_000
  let lookedMs = beganMs
  let saidMinutes = 0
  if (totalMs < MIN_MEMORY_RUN_MS) say('too short to judge memory')
  for (;;) {
    signal.throwIfAborted()
    const nowMs = performance.now()
    const passedMs = nowMs - beganMs
    if (passedMs >= totalMs || found().length > 0) return
    // Whoever is killed late has no second minute to be compared with.
    const mayKill = totalMs < MIN_MEMORY_RUN_MS || passedMs < totalMs - MIN_MEMORY_RUN_MS
    violations.push(...(await runner.tick(mayKill)))
    if (nowMs - lookedMs >= LOOK_MS) {
      lookedMs = nowMs
      memory.look(nowMs)
    }
    if (Math.floor(passedMs / 60_000) > saidMinutes) {
      saidMinutes += 1
      say(`minute ${saidMinutes}: ${runner.count} faults so far, no violation`)
    }
    await delay(TICK_MS)
  }
}

/** Takes every fault back: all has to be whole again, and what is on its way has to arrive. */
async function settle(
  lab: Lab,
  { signal }: SoakOptions,
  { runner, judges, found }: { runner: FaultRunner; judges: Judges; found: () => readonly string[] },
): Promise<readonly string[]> {
  if (found().length > 0) return []
  const violations: string[] = []
  const deadlineMs = performance.now() + SETTLED_MS
  await runner.endAll()
  while (runner.broken.length > 0 && performance.now() < deadlineMs) {
    signal.throwIfAborted()
    violations.push(...(await runner.tick(false)))
    await delay(TICK_MS)
  }
  let missing = await missingRoutes(lab)
  while (missing.length > 0 && performance.now() < deadlineMs) {
    await delay(TICK_MS)
    missing = await missingRoutes(lab)
  }
  if (missing.length > 0) violations.push(`convergence: no way is known from ${missing.join(', ')}`)
  await judges.finish()
  return violations
}
