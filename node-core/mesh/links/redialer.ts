import { type BackoffOptions, backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'

/**
 * Never gives up: the ceiling is what a peer that was away for a day has to wait for at most. The base is small, because
 * a neighbour that starts at the same time listens a moment later, and a dial that is refused costs nothing.
 */
const BACKOFF: BackoffOptions = { baseMs: 100, maxMs: 30_000 }
/** A link that lasted shorter counts as a failed dial, or two nodes that refuse each other would spin. */
const PROVEN_AFTER_MS = 5_000
/**
 * A neighbour that starts at the same time as this node listens within a second: until then it is tried at the pace of
 * the base. What is refused at once costs less than a link that comes late; a handshake that takes long may be what keeps
 * both ends busy, and is not hurried.
 */
const QUICK_RETRIES = 6
const REFUSED_AT_ONCE_MS = 100
/**
 * Of two nodes that meet for the first time the lower PeerId dials at once and the other one after this. Not where this
 * node has a way of its own to the other one, which may have none back.
 */
const POLITE_DELAY_MS = 300
const POLITE_SPREAD_MS = 500
const DECLINED_FOR_MS = 5 * 60_000
const MAX_PARALLEL_DIALS = 8

export interface RedialerDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** PeerId text. */
  readonly self: string
  /** Resolves when the target is connected. */
  readonly dial: (target: string, signal: AbortSignal) => Promise<void>
  /** Whether a person named the target, or this node has reached it before. */
  readonly hasOwnWay: (target: string) => boolean
  /** The time of a target that could not be reached has come again. */
  readonly onDue: () => void
}

interface Attempt {
  /** Dials that failed since the last link. */
  failures: number
  /** Links in a row that did not last. */
  brokenLinks: number
  notBeforeMs: number
  declinedUntilMs: number
  dialling: boolean
}

/** When to dial which target again. A target is a PeerId, or an address of which the peer is not known yet. */
export interface Redialer {
  /** Dials those of the wanted peers that are not linked and whose time has come. */
  run(wanted: readonly string[], isLinked: (target: string) => boolean): void
  failuresOf(target: string): number
  isDeclined(target: string): boolean
  linkEnded(target: string, lastedMs: number): void
  /** The peer has enough neighbours; it is not asked again for a while. */
  declined(target: string): void
  /** Something about the peer, or with no target about this machine, has changed: try soon. */
  retrySoon(target?: string): void
  stop(): void
}

export function createRedialer(deps: RedialerDeps): Redialer {
  const { clock, random } = deps
  const attempts = new Map<string, Attempt>()
  const stopped = new AbortController()

  const attemptOf = (target: string): Attempt => {
    const known = attempts.get(target)
    if (known !== undefined) return known
    const goesFirst = target.startsWith('/') || deps.self < target || deps.hasOwnWay(target)
    const politeMs = goesFirst ? 0 : POLITE_DELAY_MS + POLITE_SPREAD_MS * random.unit()
    const attempt = {
      failures: 0,
      brokenLinks: 0,
      notBeforeMs: clock.monotonicMs() + politeMs,
      declinedUntilMs: 0,
      dialling: false,
    }
    attempts.set(target, attempt)
    return attempt
  }
  const backOff = (attempt: Attempt, failed: number): void => {
    const delayMs = backoffMs(Math.max(0, failed), BACKOFF, random)
    attempt.notBeforeMs = clock.monotonicMs() + delayMs
    clock.after(delayMs, () => {
      if (!stopped.signal.aborted) deps.onDue()
    })
  }
  const dial = async (target: string, attempt: Attempt): Promise<void> => {
    attempt.dialling = true
    const startedMs = clock.monotonicMs()
    try {
      await deps.dial(target, stopped.signal)
    } catch (error) {
      attempt.failures += 1
      const isRefused = clock.monotonicMs() - startedMs < REFUSED_AT_ONCE_MS
      backOff(attempt, attempt.failures - (isRefused ? QUICK_RETRIES : 0))
      deps.logger.debug('could not reach a member', {
        target,
        failures: attempt.failures,
        reason: messageOf(error),
      })
    } finally {
      attempt.dialling = false
    }
  }

  return {
    run(wanted, isLinked) {
      let running = [...attempts.values()].filter(({ dialling }) => dialling).length
      for (const target of wanted) {
        if (running >= MAX_PARALLEL_DIALS || stopped.signal.aborted) return
        const attempt = attemptOf(target)
        if (attempt.dialling || isLinked(target) || clock.monotonicMs() < attempt.notBeforeMs) continue
        running += 1
        void dial(target, attempt)
      }
    },
    failuresOf(target) {
      const { failures, brokenLinks } = attempts.get(target) ?? { failures: 0, brokenLinks: 0 }
      return failures + brokenLinks
    },
    isDeclined: (target) => clock.monotonicMs() < (attempts.get(target)?.declinedUntilMs ?? 0),
    linkEnded(target, lastedMs) {
      const attempt = attemptOf(target)
      // What was refused before there was a link says nothing of when there will be one again.
      attempt.failures = 0
      attempt.brokenLinks = lastedMs >= PROVEN_AFTER_MS ? 0 : attempt.brokenLinks + 1
      backOff(attempt, attempt.brokenLinks)
    },
    declined(target) {
      attemptOf(target).declinedUntilMs = clock.monotonicMs() + DECLINED_FOR_MS
    },
    retrySoon(target) {
      for (const [known, attempt] of attempts) {
        if (target !== undefined && known !== target) continue
        attempt.failures = 0
        attempt.brokenLinks = 0
        attempt.notBeforeMs = clock.monotonicMs() + BACKOFF.baseMs * random.unit()
      }
    },
    stop: () => stopped.abort(),
  }
}
