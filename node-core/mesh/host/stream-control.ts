import type { Stream } from '@libp2p/interface'
import { FaultError } from '../../platform/error.ts'
import type { WaitFault } from '../../platform/wait.ts'
import { hostFault } from './host-fault.ts'

/**
 * The part of a libp2p stream that flow control needs.
 * @libp2p/utils 7.4.1: `onDrain()` returns at once after its first use, so only the `drain` event is waited for.
 */
export type DrainSource = Pick<
  Stream,
  'writableNeedsDrain' | 'writeStatus' | 'addEventListener' | 'removeEventListener'
>

/**
 * Resolves when the stream accepts bytes again.
 *
 * @throws FaultError STREAM_CLOSED when it ends first, ABORTED with the signal
 */
export function drained(stream: DrainSource, signal?: AbortSignal): Promise<void> {
  if (stream.writeStatus === 'closed') return Promise.reject(closedEarly(undefined))
  if (!stream.writableNeedsDrain) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    // The stream sends what it holds in a microtask of its own, which may fill it again: look after that one.
    const onDrain = (): void =>
      queueMicrotask(() => {
        if (!stream.writableNeedsDrain) finish(resolve)
      })
    const onClose = (event: { error?: Error }): void => finish(() => reject(closedEarly(event.error)))
    const onAbort = (): void => finish(() => reject(waitAborted(signal)))
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
  })
}

export const closedEarly = (cause: unknown) =>
  hostFault({ code: 'STREAM_CLOSED' }, 'the stream ended before the exchange was complete', cause)

export const waitAborted = (signal: AbortSignal | undefined): FaultError<WaitFault> =>
  new FaultError<WaitFault>({ code: 'ABORTED', what: 'a stream exchange' }, 'a stream exchange was aborted', {
    cause: signal?.reason,
  })

/** Opens and closes the inflow of a stream. Safe to call at any time and in any state of the stream. */
export interface ReadValve {
  readonly isPaused: boolean
  pause(): void
  resume(): void
}

/**
 * @libp2p/utils 7.4.1: `resume()` hands out what was buffered and only then tells the muxer to go on, so that a
 * `pause()` made by whoever receives those bytes is undone, and the muxer keeps granting window to a paused stream
 * until its buffer overflows. A pause asked for during a resume is therefore made after it. And both throw on a stream
 * whose readable end is closed.
 */
export function createReadValve(
  stream: Pick<Stream, 'pause' | 'resume' | 'readStatus' | 'abort'>,
): ReadValve {
  let paused = false
  let resuming = false
  const act = (method: 'pause' | 'resume'): void => {
    if (stream.readStatus === 'closed' || stream.readStatus === 'closing') return
    try {
      stream[method]()
    } catch (error) {
      // The connection went away while buffered bytes were handed out: its close event tells the owner.
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
  return {
    get isPaused() {
      return paused
    },
    pause() {
      if (paused) return
      paused = true
      if (!resuming) act('pause')
    },
    resume() {
      if (!paused) return
      paused = false
      if (resuming) return
      resuming = true
      act('resume')
      resuming = false
      if (paused) act('pause')
    },
  }
}
