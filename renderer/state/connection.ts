import type { Topic } from '../../node-core/contract/events-schemas.ts'
import { TOPICS } from '../../node-core/contract/events-schemas.ts'
import { type Bridge, cameFromNode, type Line, type LineEnd, problemOf } from '../bridge/line.ts'
import { type SetupState, useLineStore } from './line-store.ts'
import { forgetTopics, takeEvent } from './topic-store.ts'

const RETRY_FIRST_MS = 500
const RETRY_MOST_MS = 10_000
const OPEN_WITHIN_MS = 10_000
/** How often a quiet node is asked whether it is there: the age of the data on the page is the age of its answer. */
const PULSE_MS = 2_000
const PULSE_WITHIN_MS = 5_000

export interface ConnectionDeps {
  readonly bridge: Bridge
  /** Resolves after that time, or at once when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>
  now(): number
}

/** Keeps a line to the node and what it tells. Ends when the signal aborts; never rejects. */
export async function keepConnected(deps: ConnectionDeps, signal: AbortSignal): Promise<void> {
  let retryMs = RETRY_FIRST_MS
  while (!signal.aborted) {
    const opening = await deps.bridge.open(AbortSignal.any([signal, AbortSignal.timeout(OPEN_WITHIN_MS)]))
    if (opening.kind === 'open') {
      retryMs = RETRY_FIRST_MS
      const end = await holdLine(deps, opening.line, signal)
      if (!signal.aborted) showEnd(deps, end)
    } else {
      showEnd(deps, opening)
    }
    if (useLineStore.getState().state.kind === 'signed-out') await signedIn(signal)
    else await deps.wait(retryMs, signal)
    retryMs = Math.min(RETRY_MOST_MS, retryMs * 2)
  }
}

/** A machine without a mesh is set up first; its node then tells the page to connect again. */
async function holdLine(deps: ConnectionDeps, line: Line, signal: AbortSignal): Promise<LineEnd> {
  const setup = await setupOf(line, signal)
  if (setup !== undefined) {
    useLineStore.setState({ state: { kind: 'setup', line, setup }, heardAt: deps.now() })
    return await line.closed
  }
  useLineStore.setState({ state: { kind: 'open', line }, heardAt: deps.now() })
  return await follow(deps, line, signal)
}

/** What there is to set up; undefined where there is a mesh, or where the other end knows nothing of this. */
async function setupOf(line: Line, signal: AbortSignal): Promise<SetupState | undefined> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PULSE_WITHIN_MS)])
    const setup = await line.client.setup.state(undefined, { signal: limit })
    return setup.mode === 'setup' ? setup : undefined
  } catch {
    return undefined
  }
}

function showEnd(deps: ConnectionDeps, end: LineEnd): void {
  const before = useLineStore.getState().state
  if (end.kind === 'signed-out') {
    forgetTopics()
    useLineStore.setState({ state: end, heardAt: undefined })
    return
  }
  const sinceAt = before.kind === 'lost' ? before.sinceAt : deps.now()
  useLineStore.setState({ state: { ...end, sinceAt } })
}

/** Somebody who signs in puts the state back to `connecting`. */
function signedIn(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const off = useLineStore.subscribe(({ state }) => {
      if (state.kind !== 'signed-out') done()
    })
    const done = (): void => {
      off()
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done)
  })
}

async function follow(deps: ConnectionDeps, line: Line, signal: AbortSignal): Promise<LineEnd> {
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  try {
    return await Promise.race([line.closed, subscribe(deps, line, both), pulse(deps, line, both)])
  } finally {
    over.abort()
    line.close()
  }
}

/** Follows the topics; a gap begins anew with snapshots. */
async function subscribe(deps: ConnectionDeps, line: Line, signal: AbortSignal): Promise<LineEnd> {
  const topics: Topic[] = [...TOPICS]
  while (!signal.aborted) {
    try {
      const events = await line.client.events.subscribe({ topics }, { signal })
      for await (const event of events) {
        useLineStore.setState({ heardAt: deps.now() })
        if (!takeEvent(event)) break
      }
    } catch (error) {
      if (!cameFromNode(error)) return { kind: 'lost', problem: problemOf(error) }
    }
    await deps.wait(RETRY_FIRST_MS, signal)
  }
  return new Promise(() => {})
}

async function pulse(deps: ConnectionDeps, line: Line, signal: AbortSignal): Promise<LineEnd> {
  while (!signal.aborted) {
    await deps.wait(PULSE_MS, signal)
    if (signal.aborted) break
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(PULSE_WITHIN_MS)])
      await line.client.node.check({ check: 'live' }, { signal: limit })
      useLineStore.setState({ heardAt: deps.now() })
    } catch (error) {
      if (!cameFromNode(error)) return { kind: 'lost', problem: problemOf(error) }
    }
  }
  return new Promise(() => {})
}

/** A wait on the browser's timers. */
export function browserWait(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, delayMs)
    signal.addEventListener('abort', done)
  })
}
