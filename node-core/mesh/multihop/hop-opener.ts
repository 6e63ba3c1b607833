import type { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { hasCode } from '../../platform/error.ts'
import { withTimeout } from '../../platform/wait.ts'
import { createFlow } from '../flows/flow.ts'
import { hostFault } from '../host/host-fault.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { SendLine } from '../host/send-line.ts'
import { MuxStream } from '../mux/mux-stream.ts'
import { mayGoBare, type RouteMembership } from './route-checks.ts'
import type { RouteRefusal, RouteRefusalCode } from './route-fault.ts'
import { decodeReply, encodeHeader, type RouteHeader, type RouteReply } from './route-header.ts'
import { readSetupFrame, writeSetupFrame } from './setup-frames.ts'

export const ROUTE_PROTOCOL = '/x0t/route/2'

/** Each hop that remains may take this long; a node nearer to the end gives up first and can still say so. */
const HOP_TIMEOUT_MS = 1_500

export interface RouteStreams extends Pick<PeerStreams, 'open' | 'handle' | 'unhandle'> {
  lineOf(stream: Stream): SendLine | undefined
}

export interface HopOpenerDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly streams: RouteStreams
  readonly membership: Pick<RouteMembership, 'certificateOf' | 'policy'>
  /** Whether there is a direct link to a peer now that bytes get through. */
  isUp(peer: PeerId): boolean
}

/** One hop of a route: the flow with what the muxer holds for it. */
export interface Hop {
  readonly flow: Duplex
  readonly stream: Stream
  readonly line: SendLine
}

export type HopOpening =
  | { readonly kind: 'open'; readonly hop: Hop }
  | { readonly kind: 'refused'; readonly refusal: RouteRefusal }

/** The flow of a route's stream. A reset is an event of its owner, never an exception of the process. */
export function adoptHop(
  { streams, membership, self }: Pick<HopOpenerDeps, 'streams' | 'membership' | 'self'>,
  stream: Stream,
): Hop {
  const line = streams.lineOf(stream)
  if (line === undefined) {
    stream.abort(new Error('the connection of this stream is gone'))
    throw hostFault({ code: 'STREAM_CLOSED' }, 'the connection of this stream is gone')
  }
  const flow = createFlow(stream, line, () => mayGoBare(membership, self))
  if (stream instanceof MuxStream) stream.acceptBare()
  flow.on('error', () => undefined)
  return { flow, stream, line }
}

/** Bytes that a hop holds in this process: what the flow and the muxer have buffered for it, each way. */
export const bufferedInHop = ({ flow, stream }: Hop): number =>
  flow.readableLength +
  flow.writableLength +
  (stream.status === 'open' ? stream.readBufferLength + stream.writeBufferLength : 0)

/**
 * Opens the next hop of a route over the direct link that there is, and waits for the answer from its far end. Never
 * dials. `header` is what the next node is to read.
 *
 * @throws FaultError ABORTED with the signal
 */
export async function openHop(
  deps: HopOpenerDeps,
  header: RouteHeader,
  signal: AbortSignal,
): Promise<HopOpening> {
  const next = header.path[header.at]
  const refused = (code: RouteRefusalCode, at: PeerId): HopOpening => ({
    kind: 'refused',
    refusal: { code, at },
  })
  if (next === undefined) return refused('MALFORMED', deps.self)
  if (!deps.isUp(next)) return refused('NO_LINK', deps.self)
  let hop: Hop | undefined
  const remaining = header.path.length - header.at
  try {
    const reply = await withTimeout(
      deps.clock,
      HOP_TIMEOUT_MS * remaining,
      'opening a route',
      async (limit) => {
        hop = adoptHop(deps, await deps.streams.open(next, ROUTE_PROTOCOL, limit))
        if (limit.aborted) hop.flow.destroy()
        return await ask(hop.flow, header, limit)
      },
      signal,
    )
    if (reply?.kind === 'open' && hop !== undefined) return { kind: 'open', hop }
    hop?.flow.destroy()
    if (reply?.kind !== 'refused') return refused('UNREACHABLE', next)
    const { refusal } = reply
    // A node can only speak for those that the route leads to.
    return header.path.indexOf(refusal.at) >= header.at ? reply : refused(refusal.code, next)
  } catch (error) {
    hop?.flow.destroy()
    if (signal.aborted) throw error
    if (hasCode(error, 'PEER_NOT_CONNECTED')) return refused('NO_LINK', deps.self)
    if (hasCode(error, 'PEER_REFUSED')) return refused('DENIED', deps.self)
    return refused('UNREACHABLE', next)
  }
}

async function ask(flow: Duplex, header: RouteHeader, signal: AbortSignal): Promise<RouteReply | undefined> {
  writeSetupFrame(flow, encodeHeader(header))
  return decodeReply(await readSetupFrame(flow, signal))
}
