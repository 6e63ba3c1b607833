import type { Clock } from '../../node-core/platform/clock.ts'
import type { Lifecycle } from '../../node-core/platform/lifecycle.ts'
import type { NodeState, Problem } from './messages.ts'

/** A node that this app has started. */
export interface HostedNode {
  readonly pid: number
  /** Resolves when it is gone: `asked` when it ended in good order. */
  readonly gone: Promise<'asked' | Problem>
  /** Ends it in good order, and not in good order when it does not. */
  stop(): Promise<void>
}

/** What answers at the home's control socket. */
export type Probe =
  | { readonly kind: 'running'; readonly pid: number }
  | { readonly kind: 'none' }
  /** Something is in the way: starting another node would not help. */
  | { readonly kind: 'unreadable'; readonly problem: Problem }

export interface KeeperDeps {
  readonly clock: Clock
  probe(): Promise<Probe>
  /** Rejects when the node does not come up. */
  launch(signal: AbortSignal): Promise<HostedNode>
  problemOf(error: unknown): Problem
  onState(state: NodeState): void
}

export interface NodeKeeper extends Lifecycle {
  state(): NodeState
  /** Tries again now, also what was stopped on purpose. */
  wake(): void
}

const BACKOFF_FIRST_MS = 500
const BACKOFF_MOST_MS = 30_000
/** One that lived so long did not fail to start: the next attempt comes soon again. */
const STEADY_MS = 60_000
const LOOK_MS = 2_000

/** How long to wait after so many failures in a row. */
export const backoffMs = (failures: number): number =>
  Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, failures - 1))

/** Uses the node that runs on the home, or runs one; starts it again when it dies, and not when it was told to stop. */
export function createNodeKeeper(deps: KeeperDeps): NodeKeeper {
  let state: NodeState = { kind: 'starting' }
  let ending: AbortController | undefined
  let ended: Promise<void> = Promise.resolve()
  let wakeUp = (): void => {}

  const tell = (next: NodeState): void => {
    state = next
    deps.onState(next)
  }

  /** @returns whether somebody woke it */
  function rest(delayMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(false)
        return
      }
      const done = (woken: boolean): void => {
        cancel()
        wakeUp = () => {}
        signal.removeEventListener('abort', onAbort)
        resolve(woken)
      }
      const onAbort = (): void => done(false)
      const cancel = deps.clock.after(delayMs, () => done(false))
      wakeUp = () => done(true)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  async function follow(pid: number, signal: AbortSignal): Promise<void> {
    tell({ kind: 'up', hosted: false, pid })
    while (!signal.aborted) {
      await rest(LOOK_MS, signal)
      const found = await deps.probe()
      if (found.kind === 'none' || (found.kind === 'running' && found.pid !== pid)) return
    }
  }

  /** Runs one node from its start to its end. */
  async function host(signal: AbortSignal): Promise<{ end: 'asked' | Problem; livedMs: number }> {
    tell({ kind: 'starting' })
    const began = deps.clock.monotonicMs()
    const lived = (): number => deps.clock.monotonicMs() - began
    try {
      const node = await deps.launch(signal)
      tell({ kind: 'up', hosted: true, pid: node.pid })
      const onAbort = (): void => void node.stop()
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      return { end: await node.gone, livedMs: lived() }
    } catch (error) {
      return { end: deps.problemOf(error), livedMs: lived() }
    }
  }

  async function waitWhileStopped(signal: AbortSignal): Promise<void> {
    tell({ kind: 'stopped' })
    while (!signal.aborted) {
      if (await rest(LOOK_MS, signal)) return
      if ((await deps.probe()).kind === 'running') return
    }
  }

  async function keep(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const found = await deps.probe()
      if (signal.aborted) break
      if (found.kind === 'running') {
        await follow(found.pid, signal)
        failures = 0
        continue
      }
      const outcome = found.kind === 'unreadable' ? { end: found.problem, livedMs: 0 } : await host(signal)
      if (signal.aborted) break
      if (outcome.end === 'asked') {
        failures = 0
        await waitWhileStopped(signal)
        continue
      }
      failures = outcome.livedMs > STEADY_MS ? 1 : failures + 1
      const retryMs = backoffMs(failures)
      tell({ kind: 'down', problem: outcome.end, retryMs })
      await rest(retryMs, signal)
    }
  }

  return {
    state: () => state,
    wake: () => wakeUp(),
    async start() {
      if (ending !== undefined) return
      ending = new AbortController()
      ended = keep(ending.signal)
    },
    async stop() {
      ending?.abort()
      await ended
    },
  }
}
