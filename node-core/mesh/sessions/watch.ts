import type { Clock } from '../../platform/clock.ts'

/** Watches whether what is on its way is acknowledged, and whether credit comes for what may not be sent. */
export interface Watch {
  /** Something is on its way. The wait begins with the first byte, not with the last one before a pause. */
  sent(): void
  /** Something new is acknowledged. `waits` tells whether more is on its way. */
  progressed(waits: boolean): void
  /** Nothing is on its way, and nothing may be sent. */
  blocked(): void
  /** Another carrier gets its own time. */
  restart(): void
  stop(): void
  readonly isStalled: boolean
  /** Milliseconds since the last progress of what is on its way. */
  readonly waitingMs: number
  readonly longestGapMs: number
}

export interface WatchEvents {
  /** How long no progress is a stall, after so many stalls in a row. */
  limitMs(repeats: number): number
  onStall(): void
  onBlocked(): void
}

const MIN_ASK_MS = 250
const MAX_ASK_MS = 8_000
/** A timer that fires this late tells of a busy process or a suspended machine, not of a silent peer. */
const LATE_MS = 50
/** Time to take in what has arrived meanwhile. */
const GRACE_MS = 25

export function createWatch(clock: Clock, events: WatchEvents): Watch {
  return new TimedWatch(clock, events)
}

class TimedWatch implements Watch {
  readonly #clock: Clock
  readonly #events: WatchEvents
  #mode: 'idle' | 'waiting' | 'blocked' = 'idle'
  #progressAtMs = 0
  #sinceMs = 0
  #stalls = 0
  #asks = 0
  #dueAtMs = 0
  #longestGapMs = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock, events: WatchEvents) {
    this.#clock = clock
    this.#events = events
  }

  get isStalled(): boolean {
    return this.#mode === 'waiting' && this.#stalls > 0
  }
  get waitingMs(): number {
    return this.#mode === 'waiting' ? this.#clock.monotonicMs() - this.#sinceMs : 0
  }
  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, this.waitingMs)
  }

  sent(): void {
    if (this.#mode !== 'waiting') this.#enter('waiting')
    this.#arm()
  }

  progressed(waits: boolean): void {
    this.#longestGapMs = this.longestGapMs
    this.#stalls = 0
    this.#asks = 0
    this.#enter(waits ? 'waiting' : 'idle')
  }

  blocked(): void {
    if (this.#mode === 'blocked') return
    this.#enter('blocked')
    this.#arm()
  }

  restart(): void {
    this.#progressAtMs = this.#clock.monotonicMs()
    if (this.#mode !== 'idle') this.#arm()
  }

  stop(): void {
    this.#longestGapMs = this.longestGapMs
    this.#cancel?.()
    this.#cancel = undefined
  }

  #enter(mode: 'idle' | 'waiting' | 'blocked'): void {
    this.#mode = mode
    this.#progressAtMs = this.#clock.monotonicMs()
    this.#sinceMs = this.#progressAtMs
  }

  #limitMs(): number {
    if (this.#mode === 'blocked') return Math.min(MAX_ASK_MS, MIN_ASK_MS * 2 ** this.#asks)
    return this.#events.limitMs(this.#stalls)
  }

  /** One timer at a time, which looks again when it was early: acknowledgements come far more often than stalls. */
  #arm(): void {
    const dueAtMs = this.#progressAtMs + this.#limitMs()
    if (this.#cancel !== undefined && this.#dueAtMs <= dueAtMs) return
    this.#cancel?.()
    this.#wait(Math.max(1, dueAtMs - this.#clock.monotonicMs()))
  }

  #wait(delayMs: number): void {
    this.#dueAtMs = this.#clock.monotonicMs() + delayMs
    this.#cancel = this.#clock.after(delayMs, () => this.#onTimer())
  }

  #onTimer(): void {
    this.#cancel = undefined
    if (this.#mode === 'idle') return
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#dueAtMs > LATE_MS) {
      this.#wait(GRACE_MS)
      return
    }
    if (nowMs - this.#progressAtMs >= this.#limitMs()) {
      this.#progressAtMs = nowMs
      this.#onLimit()
    }
    this.#arm()
  }

  #onLimit(): void {
    if (this.#mode === 'blocked') {
      this.#asks = Math.min(this.#asks + 1, 10)
      this.#events.onBlocked()
    } else {
      this.#stalls = Math.min(this.#stalls + 1, 10)
      this.#events.onStall()
    }
  }
}
