import type { Clock } from '../platform/clock.ts'
import type { Random } from '../platform/random.ts'
import type { CheckResult } from './health-check.ts'

export type Health =
  /** Nothing is checked, or the first check has not ended. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy'; readonly reason: string }

export interface HealthMonitorOptions {
  /** Between checks while nothing changes. */
  readonly intervalMs: number
  /** Between checks while it is unhealthy, or while results contradict the state. */
  readonly recheckMs: number
  /** So many results in a row that contradict the state change it. The first result ever decides alone. */
  readonly changeAfter: number
}

export const HEALTH_DEFAULTS: HealthMonitorOptions = { intervalMs: 10_000, recheckMs: 1_000, changeAfter: 2 }
/** Each pause is shortened by up to this part of itself, so that checks of many services spread. */
const JITTER = 0.2

/** How long a check that succeeded took, and when it ended (ms since the epoch). */
export interface CheckTime {
  readonly at: number
  readonly tookMs: number
}

export interface HealthMonitor {
  readonly health: Health
  /** Of the last check, if it succeeded. */
  readonly checked: CheckTime | undefined
  start(): void
  /** Checks now instead of at the next turn: something else has seen the target fail. */
  hurry(): void
  /** After this no check runs and nothing is told. */
  stop(): void
}

/** What a result makes of the state so far. `against` counts the results in a row that contradict it. */
export function judgeHealth(
  state: { readonly health: Health; readonly against: number },
  result: CheckResult,
  changeAfter: number,
): { readonly health: Health; readonly against: number } {
  const seen: Health = result.ok ? { kind: 'healthy' } : { kind: 'unhealthy', reason: result.reason }
  if (state.health.kind === 'unknown' || state.health.kind === seen.kind) return { health: seen, against: 0 }
  const against = state.against + 1
  return against >= changeAfter ? { health: seen, against: 0 } : { health: state.health, against }
}

/** Runs one check at a time, for ever, and tells when the verdict or its reason changes. */
export function createHealthMonitor(
  deps: {
    readonly clock: Clock
    readonly random: Random
    readonly check: (signal: AbortSignal) => Promise<CheckResult>
    readonly onChange: (health: Health, before: Health) => void
  },
  options: HealthMonitorOptions,
): HealthMonitor {
  let state: { health: Health; against: number } = { health: { kind: 'unknown' }, against: 0 }
  let cancelTimer: (() => void) | undefined
  let running: AbortController | undefined
  let hurried = false
  let checked: CheckTime | undefined

  const schedule = (): void => {
    const calm = state.health.kind === 'healthy' && state.against === 0 && !hurried
    hurried = false
    const pauseMs = (calm ? options.intervalMs : options.recheckMs) * (1 - JITTER * deps.random.unit())
    cancelTimer = deps.clock.after(pauseMs, () => void run())
  }
  const run = async (): Promise<void> => {
    cancelTimer = undefined
    const turn = new AbortController()
    running = turn
    const startedMs = deps.clock.monotonicMs()
    const result = await deps.check(turn.signal)
    if (turn.signal.aborted) return
    checked = result.ok ? { at: deps.clock.now(), tookMs: deps.clock.monotonicMs() - startedMs } : undefined
    running = undefined
    const before = state.health
    state = judgeHealth(state, result, options.changeAfter)
    schedule()
    if (!sameHealth(before, state.health)) deps.onChange(state.health, before)
  }
  return {
    get health() {
      return state.health
    },
    get checked() {
      return checked
    },
    start() {
      if (running === undefined && cancelTimer === undefined) void run()
    },
    hurry() {
      if (cancelTimer === undefined) {
        // A check is on its way, perhaps from before the failure: another follows soon.
        hurried = true
        return
      }
      cancelTimer()
      void run()
    },
    stop() {
      cancelTimer?.()
      cancelTimer = undefined
      running?.abort()
      running = undefined
      state = { health: { kind: 'unknown' }, against: 0 }
      checked = undefined
    },
  }
}

const sameHealth = (left: Health, right: Health): boolean =>
  left.kind === right.kind &&
  (left.kind !== 'unhealthy' || right.kind !== 'unhealthy' || left.reason === right.reason)
