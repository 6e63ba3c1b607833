import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import { type CarrierPlan, type PlacedCarrier, pathKey, planCarriers } from './carrier-plan.ts'
import type { Path } from './ports.ts'

/** How long a session lives before it gets a standby: a single request does not need one. */
const STANDBY_AFTER_MS = 100
/** After a change of the primary; routing has its own damping, this is for stalls that come and go. */
const IMPROVE_AFTER_MS = 5_000
/** The next path is tried as well when one has not answered by then. */
const HEDGE_MS = 150
const MAX_DIALS = 3
/** The end that was dialed lets the opener try first. */
const ACCEPTOR_HANDICAP_MS = 250
const URGENT_BACKOFF = { baseMs: 50, maxMs: 2_000 }
const STANDBY_BACKOFF = { baseMs: 500, maxMs: 15_000 }
/** Dials to a path that can be hoped for take much less, black holes take for ever. */
const CHANGE_DEBOUNCE_MS = 10

/** What became of a dial. `over` when there is nothing more to keep. */
export type DialResult = 'attached' | 'failed' | 'over'

export interface KeeperDeps {
  readonly clock: Clock
  readonly random: Random
  readonly paths: () => readonly Path[]
  readonly carriers: () => readonly PlacedCarrier[]
  /** Dials a carrier and attaches it. Never rejects. */
  readonly dial: (path: Path, role: 'primary' | 'standby', signal: AbortSignal) => Promise<DialResult>
  /** Closes carriers that are of no use, by their place in `carriers()`. */
  readonly drop: (places: readonly number[]) => void
  /** There is no carrier, and every path that is offered has failed since the last success. */
  readonly onExhausted: () => void
}

/** Sees to it that a session has a carrier, and a standby on a disjoint path, for as long as paths are offered. */
export interface CarrierKeeper {
  /** Something may have changed: carriers, stalls, time. */
  review(): void
  /** Routing offers other paths: what failed before may work now. */
  pathsChanged(): void
  promoted(): void
  stop(): void
}

interface Rest {
  readonly attempt: number
  readonly untilMs: number
}

export function createCarrierKeeper(
  deps: KeeperDeps,
  options: { readonly isOpener: boolean },
): CarrierKeeper {
  return new Keeper(deps, options.isOpener)
}

class Keeper implements CarrierKeeper {
  readonly #deps: KeeperDeps
  readonly #isOpener: boolean
  readonly #createdAtMs: number
  readonly #dials = new Map<string, AbortController>()
  /** Paths that failed, and when they may be tried again. */
  readonly #rests = new Map<string, Rest>()
  #promotedAtMs: number
  #lastDialAtMs = Number.NEGATIVE_INFINITY
  #urgentSinceMs: number | undefined
  #cancelTimer: (() => void) | undefined
  #isStopped = false

  constructor(deps: KeeperDeps, isOpener: boolean) {
    this.#deps = deps
    this.#isOpener = isOpener
    this.#createdAtMs = deps.clock.monotonicMs()
    this.#promotedAtMs = this.#createdAtMs
  }

  promoted(): void {
    this.#promotedAtMs = this.#deps.clock.monotonicMs()
  }

  pathsChanged(): void {
    this.#rests.clear()
    this.#reviewIn(CHANGE_DEBOUNCE_MS)
  }

  review(): void {
    if (this.#isStopped) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const nowMs = this.#deps.clock.monotonicMs()
    const plan = planCarriers({
      isOpener: this.#isOpener,
      wantsStandby: nowMs - this.#createdAtMs >= STANDBY_AFTER_MS,
      mayImprove: nowMs - this.#promotedAtMs >= IMPROVE_AFTER_MS,
      paths: this.#deps.paths(),
      carriers: this.#deps.carriers(),
    })
    const isUrgent = plan.kind === 'primary' && plan.isUrgent
    if (!isUrgent) this.#urgentSinceMs = undefined
    else this.#urgentSinceMs ??= nowMs
    if (plan.kind === 'enough') {
      if (plan.surplus.length > 0) this.#deps.drop(plan.surplus)
      this.#awaitYouth(nowMs)
    } else this.#dialOneOf(plan, nowMs)
  }

  stop(): void {
    this.#isStopped = true
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    for (const controller of this.#dials.values()) controller.abort()
  }

  /** Two things come with time alone: the wish for a standby, and that for a cheaper path. */
  #awaitYouth(nowMs: number): void {
    if (!this.#isOpener) return
    const dues = [this.#createdAtMs + STANDBY_AFTER_MS, this.#promotedAtMs + IMPROVE_AFTER_MS]
    const next = Math.min(...dues.filter((dueMs) => dueMs > nowMs))
    if (Number.isFinite(next)) this.#reviewIn(next - nowMs)
  }

  #dialOneOf(plan: Exclude<CarrierPlan, { kind: 'enough' }>, nowMs: number): void {
    const isUrgent = plan.kind === 'primary' && plan.isUrgent
    const ready = plan.paths.filter((path) => {
      const key = pathKey(path)
      return !this.#dials.has(key) && (this.#rests.get(key)?.untilMs ?? 0) <= nowMs
    })
    const next = ready[0]
    if (isUrgent) {
      const waitMs = this.#urgentWaitMs(nowMs)
      if (waitMs > 0) this.#reviewIn(waitMs)
      else if (next !== undefined && this.#dials.size < MAX_DIALS) {
        this.#dial(next, 'primary', URGENT_BACKOFF)
        this.#reviewIn(HEDGE_MS)
      } else this.#awaitRests(plan.paths, nowMs)
      return
    }
    // One at a time: there is no hurry.
    if (next !== undefined && this.#dials.size === 0) this.#dial(next, plan.kind, STANDBY_BACKOFF)
    this.#awaitRests(plan.paths, nowMs)
    if (this.#cancelTimer === undefined) this.#awaitYouth(nowMs)
  }

  #urgentWaitMs(nowMs: number): number {
    const hedgeMs = this.#dials.size === 0 ? 0 : this.#lastDialAtMs + HEDGE_MS - nowMs
    const handicapMs = this.#isOpener ? 0 : (this.#urgentSinceMs ?? nowMs) + ACCEPTOR_HANDICAP_MS - nowMs
    return Math.max(hedgeMs, handicapMs)
  }

  #awaitRests(paths: readonly Path[], nowMs: number): void {
    const dues = paths.flatMap((path) => {
      const untilMs = this.#rests.get(pathKey(path))?.untilMs ?? 0
      return untilMs > nowMs ? [untilMs] : []
    })
    if (dues.length > 0) this.#reviewIn(Math.min(...dues) - nowMs)
  }

  #dial(path: Path, role: 'primary' | 'standby', backoff: { baseMs: number; maxMs: number }): void {
    const key = pathKey(path)
    const controller = new AbortController()
    this.#dials.set(key, controller)
    this.#lastDialAtMs = this.#deps.clock.monotonicMs()
    void this.#deps.dial(path, role, controller.signal).then((result) => {
      this.#dials.delete(key)
      if (this.#isStopped || result === 'over') return
      if (result === 'attached') this.#rests.clear()
      else {
        const attempt = (this.#rests.get(key)?.attempt ?? -1) + 1
        const untilMs = this.#deps.clock.monotonicMs() + backoffMs(attempt, backoff, this.#deps.random)
        this.#rests.set(key, { attempt, untilMs })
        this.#tellIfExhausted()
      }
      this.review()
    })
  }

  #tellIfExhausted(): void {
    if (this.#dials.size > 0 || this.#deps.carriers().length > 0) return
    if (this.#deps.paths().every((path) => this.#rests.has(pathKey(path)))) this.#deps.onExhausted()
  }

  /** One timer: whatever is due, the review finds it. */
  #reviewIn(delayMs: number): void {
    if (this.#isStopped) return
    this.#cancelTimer?.()
    this.#cancelTimer = this.#deps.clock.after(Math.max(1, delayMs), () => {
      this.#cancelTimer = undefined
      this.review()
    })
  }
}
