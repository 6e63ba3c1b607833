import type { Alert } from '../../domain/alert.ts'
import { isWithin } from '../../mapek/guards/maintenance.ts'
import { backoffMs } from '../../platform/backoff.ts'
import type { Clock } from '../../platform/clock.ts'
import { FaultError, messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { ChannelSettings } from '../config/alert-schema.ts'
import { collapse } from './collapse.ts'

export interface ChannelQueueDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Sends once. */
  deliver(channel: ChannelSettings, alerts: readonly [Alert, ...Alert[]], signal: AbortSignal): Promise<void>
}

export interface ChannelState {
  readonly waiting: number
  readonly sentAt: number | undefined
  /** Messages given up, since the start. */
  readonly lost: number
  /** Why the last try failed; undefined after one that did not. */
  readonly problem: string | undefined
}

/** One channel: what it wants, when it may speak, and what it still has to say. */
export interface ChannelQueue {
  readonly settings: ChannelSettings
  add(alert: Alert): void
  state(): ChannelState
  /** Nothing is sent any more; what waits is forgotten. */
  stop(): Promise<void>
}

export const DELIVERY_MS = 15_000
const MAX_WAITING = 200
/** With a ceiling of five minutes, about a quarter of an hour in all: longer than a receiver takes to restart. */
const ATTEMPTS = 8
const BACKOFF = { baseMs: 2_000, maxMs: 300_000 }
/** How often quiet hours are looked at again while something waits for their end. */
const QUIET_POLL_MS = 60_000

export function createChannelQueue(deps: ChannelQueueDeps, settings: ChannelSettings): ChannelQueue {
  return new Queue(deps, settings)
}

class Queue implements ChannelQueue {
  readonly settings: ChannelSettings
  readonly #deps: ChannelQueueDeps
  readonly #stopping = new AbortController()
  #waiting: readonly Alert[] = []
  #sending: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #sentAt: number | undefined
  /** Of the monotonic clock: somebody setting the time neither silences a channel nor lets it flood. */
  #notBefore = 0
  #failures = 0
  #lost = 0
  #problem: string | undefined

  constructor(deps: ChannelQueueDeps, settings: ChannelSettings) {
    this.#deps = deps
    this.settings = settings
  }

  add(alert: Alert): void {
    const { enabled, severities, events } = this.settings
    if (!enabled || this.#stopping.signal.aborted) return
    if (!severities.includes(alert.severity) || (alert.event !== 'test' && !events.includes(alert.event)))
      return
    this.#waiting = [...this.#waiting, alert]
    if (this.#waiting.length > MAX_WAITING) this.#makeRoom()
    this.#schedule()
  }

  state(): ChannelState {
    return {
      ...{ waiting: this.#waiting.length, sentAt: this.#sentAt, lost: this.#lost, problem: this.#problem },
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the channel is closed'))
    this.#cancel?.()
    this.#waiting = []
    await this.#sending
  }

  #makeRoom(): void {
    this.#waiting = collapse(this.#waiting)
    const over = this.#waiting.length - MAX_WAITING
    if (over <= 0) return
    this.#waiting = this.#waiting.slice(over)
    this.#lost += over
  }

  /** When the next try is due; a try that was due already is made in the next moment. */
  #schedule(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0 || this.#stopping.signal.aborted) return
    const { clock } = this.#deps
    const pauseMs = Math.max(0, this.#notBefore - clock.monotonicMs())
    const isHeld = this.#ready().length === 0
    this.#cancel = clock.after(isHeld ? Math.max(pauseMs, QUIET_POLL_MS) : pauseMs, () => this.#flush())
  }

  /** What may be sent now: in quiet hours only what is excepted from them. */
  #ready(): readonly Alert[] {
    const now = this.#deps.clock.now()
    const { quiet, quietExcept } = this.settings
    if (!quiet.some((window) => isWithin(window, now))) return this.#waiting
    return this.#waiting.filter(({ severity }) => quietExcept.includes(severity))
  }

  #flush(): void {
    this.#cancel = undefined
    const ready = new Set(this.#ready())
    const held = this.#waiting.filter((alert) => !ready.has(alert))
    const [first, ...others] = collapse([...ready])
    this.#waiting = held
    if (first === undefined) {
      this.#schedule()
      return
    }
    this.#sending = this.#send([first, ...others]).finally(() => {
      this.#sending = undefined
      this.#schedule()
    })
  }

  async #send(alerts: readonly [Alert, ...Alert[]]): Promise<void> {
    const { clock, logger, deliver } = this.#deps
    const { name, throttleMs } = this.settings
    try {
      await withTimeout(
        clock,
        DELIVERY_MS,
        `the channel ${name}`,
        (signal) => deliver(this.settings, alerts, signal),
        this.#stopping.signal,
      )
      this.#sentAt = clock.now()
      this.#notBefore = clock.monotonicMs() + throttleMs
      this.#failures = 0
      this.#problem = undefined
      logger.info('people were told', { channel: name, alerts: alerts.length })
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#failed(alerts, error)
    }
  }

  #failed(alerts: readonly Alert[], error: unknown): void {
    const { clock, random, logger } = this.#deps
    const { name, throttleMs } = this.settings
    this.#problem = messageOf(error)
    this.#failures += 1
    if (!canRetry(error) || this.#failures >= ATTEMPTS) {
      this.#lost += alerts.length
      this.#failures = 0
      this.#notBefore = clock.monotonicMs() + throttleMs
      logger.error('people could not be told', {
        channel: name,
        alerts: alerts.length,
        reason: this.#problem,
      })
      return
    }
    const waitMs = Math.max(afterMsOf(error), backoffMs(this.#failures - 1, BACKOFF, random))
    this.#notBefore = clock.monotonicMs() + waitMs
    this.#waiting = [...alerts, ...this.#waiting]
    if (this.#waiting.length > MAX_WAITING) this.#makeRoom()
    logger.warn('people were not told, it is tried again', { channel: name, waitMs, reason: this.#problem })
  }
}

const faultOf = (error: unknown): object => (error instanceof FaultError ? error.fault : {})

/** A message that took too long, or that nobody answered, may yet come through. What is wrong with a file does not mend itself. */
function canRetry(error: unknown): boolean {
  const fault = faultOf(error)
  if ('retry' in fault) return fault.retry === true
  return 'code' in fault && (fault.code === 'TIMEOUT' || fault.code === 'COMMAND_FAILED')
}

function afterMsOf(error: unknown): number {
  const fault = faultOf(error)
  return 'retryAfterMs' in fault && typeof fault.retryAfterMs === 'number' ? fault.retryAfterMs : 0
}
