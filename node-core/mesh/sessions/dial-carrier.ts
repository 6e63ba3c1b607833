import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { withTimeout } from '../../platform/wait.ts'
import { createCarrier, type StreamCarrier } from './carrier.ts'
import { decodeReply, encodeHello, HELLO_BYTES, type Hello, type HelloReply } from './hello.ts'
import type { CarrierDialer, Path } from './ports.ts'
import { sessionFault } from './session-fault.ts'

export const SESSION_PROTOCOL = '/x0t/session/1'
/** A stream along a path and an answer over it. */
const DIAL_LIMIT_MS = 5_000

export interface Dialed {
  readonly carrier: StreamCarrier
  readonly reply: HelloReply
  /** From the hello to its answer. */
  readonly rttMs: number
}

/**
 * Opens a carrier along a path and exchanges hellos.
 *
 * @throws FaultError HELLO_FAILED, TIMEOUT, ABORTED, or what the dialer throws
 */
export function dialCarrier(
  deps: { readonly clock: Clock; readonly carriers: CarrierDialer },
  path: Path,
  peer: PeerId,
  hello: Hello,
  signal: AbortSignal,
): Promise<Dialed> {
  return withTimeout(
    deps.clock,
    DIAL_LIMIT_MS,
    'a carrier',
    async (limit) => {
      const stream = await deps.carriers.open(path, SESSION_PROTOCOL, limit)
      const line = deps.carriers.lineOf(stream)
      const carrier = createCarrier({ clock: deps.clock, stream, line }, { helloBytes: HELLO_BYTES })
      // The other end may have the hello already: it is told that nobody will follow.
      const giveUp = (): void => {
        if (hello.kind === 'open') carrier.send({ kind: 'reset', reason: 'aborted' })
        carrier.close()
      }
      if (limit.aborted) {
        carrier.abort('nobody waits for it any more')
        limit.throwIfAborted()
      }
      limit.addEventListener('abort', giveUp, { once: true })
      try {
        const sentAtMs = deps.clock.monotonicMs()
        carrier.sendHello(encodeHello(hello))
        const reply = decodeReply(await carrier.hello)
        if (reply !== undefined) return { carrier, reply, rttMs: deps.clock.monotonicMs() - sentAtMs }
        carrier.abort('the answer is none')
        throw sessionFault({ code: 'HELLO_FAILED', peer }, `${peer} gave no answer that can be read`)
      } finally {
        limit.removeEventListener('abort', giveUp)
      }
    },
    signal,
  )
}
