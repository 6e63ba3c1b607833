import type { Incident } from '../../domain/incident.ts'
import type { Clock } from '../../platform/clock.ts'
import { sleep } from '../../platform/wait.ts'
import type { VerifyKind } from '../playbooks/playbook-schema.ts'
import type { HealProbe, Measurement } from './ports.ts'

/**
 * Measures what was broken again and again, from before anything is done until it is seen to work. The first of the
 * measurements in a row that passed is when it worked again, whatever did it and however long the steps still took.
 */
export interface DeliveryWatch {
  /** Resolves with when it worked again, once a measurement that began now or later has passed; undefined after `limitMs`. */
  passed(limitMs: number, signal: AbortSignal): Promise<Passed | undefined>
  readonly last: Measurement | undefined
  stop(): void
}

export interface Passed {
  readonly at: number
  readonly measurement: Measurement
}

const EVERY_MS = 100
/** A fault that takes long to repair is not measured as often as one that is just being repaired. */
const CALM_EVERY_MS = 1_000
const CALM_AFTER_MS = 10_000
const MEASURE_LIMIT_MS = 2_000

export function watchDelivery(
  deps: { readonly clock: Clock; readonly probe: HealProbe },
  incident: Incident,
  kind: VerifyKind,
  outer: AbortSignal,
): DeliveryWatch {
  const { clock, probe } = deps
  const controller = new AbortController()
  const signal = AbortSignal.any([controller.signal, outer])
  const waiters = new Set<(passed: Passed, beganMs: number) => void>()
  const startedMs = clock.monotonicMs()
  let last: Measurement | undefined
  let since: number | undefined

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      const beganMs = clock.monotonicMs()
      const limit = new AbortController()
      const cancel = clock.after(MEASURE_LIMIT_MS, () => limit.abort())
      last = await probe.measure(incident, kind, AbortSignal.any([signal, limit.signal]))
      cancel()
      if (signal.aborted) return
      since = last.passed ? (since ?? clock.now()) : undefined
      if (since !== undefined)
        for (const tell of [...waiters]) tell({ at: since, measurement: last }, beganMs)
      const isCalm = clock.monotonicMs() - startedMs > CALM_AFTER_MS
      await sleep(clock, isCalm ? CALM_EVERY_MS : EVERY_MS, signal).catch(() => {})
    }
  }
  void loop()
  return {
    get last() {
      return last
    },
    stop: () => controller.abort(),
    passed(limitMs, stop) {
      const askedMs = clock.monotonicMs()
      return new Promise((resolve) => {
        const settle = (found: Passed | undefined): void => {
          cancel()
          waiters.delete(tell)
          stop.removeEventListener('abort', onAbort)
          resolve(found)
        }
        const onAbort = (): void => settle(undefined)
        const tell = (found: Passed, beganMs: number): void => {
          if (beganMs >= askedMs) settle(found)
        }
        const cancel = clock.after(limitMs, () => settle(undefined))
        waiters.add(tell)
        stop.addEventListener('abort', onAbort, { once: true })
        if (stop.aborted || signal.aborted) settle(undefined)
      })
    },
  }
}
