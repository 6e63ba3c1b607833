import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Random } from '../../platform/random.ts'
import type { Lab } from '../lab.ts'
import { checkAdmission } from './admission.ts'
import { findLoops, readWays } from './loops.ts'
import { createRecoveryJudge } from './recovery.ts'
import { createTrafficJudge, farthestEnds } from './traffic.ts'
import type { Finding, Violation } from './violation.ts'

export interface InvariantWatch extends Lifecycle {
  /** How often everything was looked at. */
  checks(): number
  /** Requests of its own that were answered, each compared byte by byte. */
  answered(): number
  /** Each finding once. */
  violations(): readonly Violation[]
}

export interface WatchDeps {
  readonly clock: Clock
  readonly random: Random
  readonly onError?: (message: string) => void
}

export interface WatchOptions {
  /** Between two looks. Default 2 s. */
  readonly everyMs?: number
  /** Whether a client of its own sends requests through the lab. Default true. */
  readonly traffic?: boolean
}

const EVERY_MS = 2_000
const MAX_FINDINGS = 100

/**
 * Looks at a lab as long as it runs: what must hold at every moment, whatever is broken in it. No loop, nothing lost,
 * nothing twice, in order, nobody but members, and all that is whole works again within a bound.
 */
export function createInvariantWatch(
  deps: WatchDeps,
  lab: Lab,
  { everyMs = EVERY_MS, traffic: hasTraffic = true }: WatchOptions = {},
): InvariantWatch {
  const { clock } = deps
  // A node that dies while it is asked is what labs are for.
  const onError = deps.onError ?? (() => {})
  const nowMs = (): number => clock.monotonicMs()
  const found = new Map<string, Violation>()
  const recovery = createRecoveryJudge(nowMs)
  const traffic = hasTraffic ? createTrafficJudge({ ...deps, onError }, lab) : undefined
  const ends = farthestEnds(lab)
  let checks = 0
  let isRunning = false
  let cancel = (): void => {}
  let looking = Promise.resolve()

  const note = ({ kind, detail }: Finding): void => {
    const key = `${kind} ${detail}`
    if (!found.has(key) && found.size < MAX_FINDINGS) found.set(key, { kind, detail, atMs: nowMs() })
  }
  const look = async (): Promise<void> => {
    try {
      const status = await lab.status()
      const answering = status.nodes.filter(({ ready }) => ready !== null).map(({ name }) => name)
      const known = await readWays(lab, answering)
      for (const finding of findLoops(known)) note(finding)
      for (const finding of recovery.judge(status, known)) note(finding)
      for (const finding of await checkAdmission(lab, answering)) note(finding)
      for (const finding of (await traffic?.look(recovery.areConnected(...ends))) ?? []) note(finding)
      checks += 1
    } catch (error) {
      onError(messageOf(error))
    }
    if (isRunning) cancel = clock.after(everyMs, lookOnce)
  }
  const lookOnce = (): void => {
    looking = look()
  }

  return {
    checks: () => checks,
    answered: () => traffic?.answered() ?? 0,
    violations: () => [...found.values()],
    async start() {
      if (isRunning) return
      isRunning = true
      lookOnce()
    },
    async stop() {
      if (!isRunning) return
      isRunning = false
      cancel()
      await looking
      await traffic?.close()
    },
  }
}
