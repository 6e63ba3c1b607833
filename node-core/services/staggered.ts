import type { Clock } from '../platform/clock.ts'

export interface StaggeredPlan<C, R> {
  /** The best first. */
  readonly candidates: readonly C[]
  /** How long one is waited for before the next is tried beside it, ms. */
  readonly aloneMs: (candidate: C) => number
  /** No further candidate is begun once this is true. */
  readonly isOver: () => boolean
  /** Never rejects. */
  readonly attempt: (candidate: C, signal: AbortSignal) => Promise<R>
  readonly isTaken: (result: R) => boolean
  /** Was still trying when another one had won. */
  readonly onSlow: (candidate: C) => void
  /** Of a candidate that succeeded after another one had won. */
  readonly discard: (result: R) => void
}

/**
 * Tries candidates one after the other, the next as soon as one fails or takes long, until one succeeds: a peer that
 * died a moment ago costs a moment, not the time until that is known (as RFC 8305 does with addresses).
 */
export async function tryStaggered<C, R>(
  clock: Clock,
  plan: StaggeredPlan<C, R>,
  signal: AbortSignal,
): Promise<{ readonly taken: R | undefined; readonly failed: readonly R[] }> {
  const losing = new AbortController()
  const limited = AbortSignal.any([signal, losing.signal])
  const rest = [...plan.candidates]
  const running = new Map<C, Promise<{ readonly candidate: C; readonly result: R }>>()
  const failed: R[] = []
  for (;;) {
    const next = signal.aborted || plan.isOver() ? undefined : rest.shift()
    if (next !== undefined) {
      running.set(
        next,
        plan.attempt(next, limited).then((result) => ({ candidate: next, result })),
      )
    }
    if (running.size === 0) return { taken: undefined, failed }
    const patience = next === undefined || rest.length === 0 ? undefined : wait(clock, plan.aloneMs(next))
    const ended = await Promise.race([
      ...running.values(),
      ...(patience === undefined ? [] : [patience.over]),
    ])
    patience?.cancel()
    if (ended === undefined) continue
    running.delete(ended.candidate)
    if (!plan.isTaken(ended.result)) {
      failed.push(ended.result)
      continue
    }
    losing.abort(new Error('another one was faster'))
    for (const [candidate, attempt] of running) {
      plan.onSlow(candidate)
      void attempt.then(({ result }) => {
        if (plan.isTaken(result)) plan.discard(result)
      })
    }
    return { taken: ended.result, failed }
  }
}

function wait(clock: Clock, ms: number): { readonly over: Promise<undefined>; cancel(): void } {
  const { promise: over, resolve } = Promise.withResolvers<undefined>()
  return { over, cancel: clock.after(ms, () => resolve(undefined)) }
}
