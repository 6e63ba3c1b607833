import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { withTimeout } from '../../platform/wait.ts'
import { hostFault } from '../host/host-fault.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import type { CarrierDialer, Path, SessionPaths } from '../sessions/ports.ts'

const ECHO_PROTOCOL = '/x0t/echo/1'
const NONCE_BYTES = 16
const SERVE_LIMIT_MS = 5_000
const MAX_STREAMS = 4

export interface EchoDeps {
  readonly carriers: CarrierDialer
  readonly paths: SessionPaths
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Round trips to members, encrypted up to them, over whatever path is the best one now. */
export interface Echo extends Lifecycle {
  /**
   * The time from the first byte of a request to the last of its answer, on a stream that is open already.
   *
   * @throws FaultError PEER_NOT_CONNECTED, what the carrier throws, ABORTED with the signal
   */
  ping(peer: PeerId, signal: AbortSignal): Promise<{ readonly rttMs: number; readonly path: Path }>
}

export function createEcho(deps: EchoDeps): Echo {
  const { carriers, paths, clock, random } = deps
  return {
    async ping(peer, signal) {
      const [path] = paths.pathsTo(peer)
      if (path === undefined) {
        throw hostFault({ code: 'PEER_NOT_CONNECTED', peer }, `no path leads to ${peer} now`)
      }
      const stream = await carriers.open(path, ECHO_PROTOCOL, signal)
      const frames = createMessageFrames(stream, { maxFrameBytes: NONCE_BYTES })
      try {
        const nonce = random.bytes(NONCE_BYTES)
        const startedMs = clock.monotonicMs()
        await frames.write(nonce, signal)
        const answer = await frames.read(signal)
        const rttMs = clock.monotonicMs() - startedMs
        if (answer === undefined || !Buffer.from(nonce).equals(answer)) {
          throw hostFault({ code: 'STREAM_CLOSED' }, 'the answer was not the one that was asked for')
        }
        await frames.end(signal)
        return { rttMs, path }
      } catch (error) {
        frames.abort(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
    async start() {
      await carriers.handle(
        ECHO_PROTOCOL,
        (stream, peer) => {
          const frames = createMessageFrames(stream, { maxFrameBytes: NONCE_BYTES })
          withTimeout(clock, SERVE_LIMIT_MS, 'an echo', async (signal) => {
            const request = await frames.read(signal)
            if (request !== undefined) await frames.write(request, signal)
            await frames.end(signal)
          }).catch((error: unknown) => {
            deps.logger.debug('an echo came to nothing', { peer, error: messageOf(error) })
            frames.abort(error instanceof Error ? error : new Error(String(error)))
          })
        },
        { maxStreams: MAX_STREAMS },
      )
    },
    stop: () => carriers.unhandle(ECHO_PROTOCOL),
  }
}
