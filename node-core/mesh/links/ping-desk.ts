import type { Clock } from '../../platform/clock.ts'
import { hostFault } from '../host/host-fault.ts'
import { waitAborted } from '../host/stream-control.ts'

const MAX_PENDING_PINGS = 16

/** Pings that wait for their answers. */
export interface PingDesk {
  /**
   * Round trip of one ping that `send` puts on the way, ms.
   *
   * @throws FaultError STREAM_CLOSED when the link ends first or too many wait, ABORTED with the signal
   */
  ping(send: (id: number) => void, signal: AbortSignal): Promise<number>
  answered(id: number): void
}

/** @param ended aborts when the link is over */
export function createPingDesk(clock: Clock, ended: AbortSignal): PingDesk {
  const waiting = new Map<number, () => void>()
  let lastId = 0

  const answer = (id: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const either = AbortSignal.any([signal, ended])
      const onAbort = (): void =>
        reject(
          ended.aborted
            ? hostFault({ code: 'STREAM_CLOSED' }, 'the link ended before the answer came')
            : waitAborted(signal),
        )
      if (either.aborted) {
        onAbort()
        return
      }
      either.addEventListener('abort', onAbort, { once: true })
      waiting.set(id, () => {
        either.removeEventListener('abort', onAbort)
        resolve()
      })
    })

  return {
    async ping(send, signal) {
      if (waiting.size >= MAX_PENDING_PINGS) {
        throw hostFault({ code: 'STREAM_CLOSED' }, 'too many pings wait for an answer')
      }
      lastId += 1
      const id = lastId
      const sentAtMs = clock.monotonicMs()
      try {
        const arrival = answer(id, signal)
        send(id)
        await arrival
        return clock.monotonicMs() - sentAtMs
      } finally {
        waiting.delete(id)
      }
    },
    answered: (id) => waiting.get(id)?.(),
  }
}
