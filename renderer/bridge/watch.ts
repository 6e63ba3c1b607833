import { ORPCError } from '@orpc/client'
import type { NodeLine } from './node-line.ts'
import type { NodeStatus } from './status.ts'

/** One reading of the node. `problem` says what happened, `hint` what to do. */
export type Reading =
  | { readonly kind: 'read'; readonly status: NodeStatus }
  | { readonly kind: 'failed'; readonly problem: string; readonly hint: string }
  /** The page is open in a browser, where no line to a node exists yet. */
  | { readonly kind: 'no-line' }

export interface WatchDeps {
  /** Opens a line; asked again after a failure. */
  open(signal: AbortSignal): Promise<NodeLine | undefined>
  /** Resolves after `delayMs` or at once when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>
  onReading(reading: Reading): void
}

const EVERY_MS = 2_000
/** A little more than the main process gives the node, so that its own word on what is wrong arrives. */
const ANSWER_WITHIN_MS = 5_000

/** Reads the node's status again and again until the signal aborts. Never rejects: a failure is a reading too. */
export async function watchNode(deps: WatchDeps, signal: AbortSignal): Promise<void> {
  let line: NodeLine | undefined
  while (!signal.aborted) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)])
      line ??= await deps.open(limit)
      if (line === undefined) {
        deps.onReading({ kind: 'no-line' })
        return
      }
      const status = await line.status(limit)
      if (!signal.aborted) deps.onReading({ kind: 'read', status })
    } catch (error) {
      // An error of the contract came over the line, which proves that the line works.
      if (!(error instanceof ORPCError)) line = undefined
      if (!signal.aborted) deps.onReading(failureOf(error))
    }
    await deps.wait(EVERY_MS, signal)
  }
}

function failureOf(error: unknown): Reading {
  if (error instanceof ORPCError) return { kind: 'failed', problem: error.message, hint: hintIn(error.data) }
  const hint = 'Close the window and open it again.'
  return { kind: 'failed', problem: 'The desktop app does not answer.', hint }
}

function hintIn(data: unknown): string {
  return typeof data === 'object' && data !== null && 'hint' in data && typeof data.hint === 'string'
    ? data.hint
    : ''
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
