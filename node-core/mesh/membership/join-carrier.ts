import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import { isOwnRequest, type JoinRequest, MAX_JOIN_REQUEST_BYTES } from '../../security/join-request.ts'
import { createMessageFrames } from '../host/message-frames.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import { REFUSALS, type RefusalCode } from './events.ts'
import { decodeJoinReply, encodeJoinReply, type JoinReply, MAX_JOIN_REPLY_BYTES } from './join-reply.ts'
import type { Membership } from './membership.ts'

export const JOIN_PROTOCOL = '/x0t/join/1'

/** The joiner waits 3 s for its answer, so the way to the issuer and back has to be done before that. */
const CARRY_TIMEOUT_MS = 2_000
const SERVE_TIMEOUT_MS = 3_000
const MAX_CARRIED_AT_ONCE = 8

export interface JoinCarrierDeps {
  /** Asked for at each use: the host that owns the streams is made after the admission that carries. */
  readonly streams: () => PeerStreams
  readonly membership: Membership
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Carries join requests between a member that was asked and the member that made the invite, over a direct link. The
 * carrier can neither alter a request, which is signed, nor use it: the certificate is for the keys of who asks.
 */
export interface JoinCarrier extends Lifecycle {
  carry(request: JoinRequest, signal: AbortSignal): Promise<JoinReply>
}

export function createJoinCarrier(deps: JoinCarrierDeps): JoinCarrier {
  const { membership } = deps
  const logger = deps.logger.child({ component: 'join-carrier' })
  let carried = 0

  const serve = async (stream: Stream, carrier: PeerId): Promise<void> => {
    const frames = createMessageFrames(stream, { maxFrameBytes: MAX_JOIN_REQUEST_BYTES })
    try {
      await withTimeout(deps.clock, SERVE_TIMEOUT_MS, 'a carried join', async (signal) => {
        const request = await frames.read(signal)
        if (request === undefined) return
        const reply = membership.redeem(request)
        if (reply.kind === 'refused') noteCarried(membership, reply.code, carrier)
        await frames.write(encodeJoinReply(reply), signal)
        await frames.end(signal)
      })
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)))
      logger.debug('a carried join broke off', { error: messageOf(error) })
    }
  }

  return {
    async carry(request, signal) {
      if (carried >= MAX_CARRIED_AT_ONCE) return busy
      // A member lends its link to nobody who does not own the keys that the request names.
      if (!isOwnRequest(request, membership.meshId)) return altered
      carried += 1
      try {
        return await withTimeout(
          deps.clock,
          CARRY_TIMEOUT_MS,
          'carrying a join request',
          (limit) => exchange(deps.streams(), request, limit),
          signal,
        )
      } catch (error) {
        logger.info('the issuer of an invite cannot be reached', {
          issuer: request.issuer,
          error: messageOf(error),
        })
        return unreachable
      } finally {
        carried -= 1
      }
    },
    start: () =>
      deps.streams().handle(JOIN_PROTOCOL, (stream, peer) => void serve(stream, peer), { maxStreams: 8 }),
    stop: () => deps.streams().unhandle(JOIN_PROTOCOL),
  }
}

async function exchange(streams: PeerStreams, request: JoinRequest, signal: AbortSignal): Promise<JoinReply> {
  const stream = await streams.open(request.issuer, JOIN_PROTOCOL, signal)
  const frames = createMessageFrames(stream, {
    maxFrameBytes: Math.max(MAX_JOIN_REPLY_BYTES, MAX_JOIN_REQUEST_BYTES),
  })
  try {
    await frames.write(request.bytes, signal)
    const answer = await frames.read(signal)
    await frames.end(signal)
    return (answer && decodeJoinReply(answer)) ?? unreachable
  } catch (error) {
    frames.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

const noteCarried = (membership: Membership, code: RefusalCode, carrier: PeerId): void =>
  membership.noteRefusal({ code, reason: REFUSALS[code], remoteAddress: `/p2p/${carrier}` })

// These say nothing of the mesh but that its issuer is not here, so they need no proof of a member.
const unreachable: JoinReply = { kind: 'refused', code: 'issuer-unreachable', genuine: false }
const busy: JoinReply = { kind: 'refused', code: 'busy', genuine: false }
const altered: JoinReply = { kind: 'refused', code: 'request-altered', genuine: false }
