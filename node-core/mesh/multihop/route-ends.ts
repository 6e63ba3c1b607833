import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { CarrierUpgrades } from '../host/carrier-upgrades.ts'
import { FlowCarrier } from './flow-carrier.ts'
import type { Hop } from './hop-opener.ts'
import type { RouteMembership } from './route-checks.ts'
import { routeFault } from './route-fault.ts'
import { createRoutedConnection, type RoutedConnection } from './routed-connection.ts'

export type RoutedHandler = (stream: Stream, connection: RoutedConnection) => void

/** One end of a route, as this node sees it. */
export interface RouteEnd {
  /** From the first hop to the far end. */
  readonly path: readonly PeerId[]
  readonly direction: 'inbound' | 'outbound'
}

export interface RouteEndsDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly host: { readonly upgrades: CarrierUpgrades }
  readonly membership: RouteMembership
}

/** The routed connections that begin or end at this node. */
export interface RouteEnds {
  /** Makes a connection of an open route. @throws FaultError ROUTE_END_REFUSED, ABORTED; the hop is then reset */
  upgrade(hop: Hop, end: RouteEnd, signal?: AbortSignal): Promise<RoutedConnection>
  handle(protocol: string, handler: RoutedHandler, maxStreams: number): Promise<void>
  /** Whether one more may come in over this first hop. */
  hasRoom(firstHop: PeerId): boolean
  all(): readonly RoutedConnection[]
  /** Aborts all that lead to or over a peer. */
  dropThrough(peer: PeerId): void
}

const UPGRADE_TIMEOUT_MS = 8_000
/** Inbound ones, in all and over one first hop. */
const MAX_INBOUND = 192
const MAX_INBOUND_PER_HOP = 96
/** Inbound ones of one far end: a few paths, and those that it replaces. */
const MAX_INBOUND_PER_PEER = 16

export function createRouteEnds(deps: RouteEndsDeps): RouteEnds {
  const open = new Set<RoutedConnection>()
  /** Inbound ends whose upgrade is under way, for the limits. */
  const upgrading = new Set<RouteEnd>()
  /** By the timeline that libp2p's connection shares with its carrier. */
  const byTimeline = new WeakMap<object, Promise<RoutedConnection>>()
  const inbound = (): RoutedConnection[] => [...open].filter(({ direction }) => direction === 'inbound')

  const run = async (carrier: FlowCarrier, end: RouteEnd, signal?: AbortSignal) => {
    const upgraded = await withTimeout(
      deps.clock,
      UPGRADE_TIMEOUT_MS,
      'the handshake over a route',
      (limit) => deps.host.upgrades.upgrade(carrier, end.direction, limit),
      signal,
    )
    const peer = parsePeerId(upgraded.connection.remotePeer.toString())
    if (peer === undefined || peer !== end.path.at(-1)) {
      throw new Error('the far end is not the one that the route names')
    }
    const connection = createRoutedConnection(deps.clock, {
      ...{ peer, upgraded, path: end.path },
      standing: (member) => deps.membership.standing(member),
    })
    if (deps.membership.standing(peer) !== 'member') throw new Error('the far end is no member any more')
    if (
      end.direction === 'inbound' &&
      inbound().filter((o) => o.peer === peer).length >= MAX_INBOUND_PER_PEER
    ) {
      throw new Error('the far end has too many routed connections to this node')
    }
    return connection
  }

  return {
    async upgrade(hop, end, signal) {
      const carrier = carrierOf(hop, end)
      const running = run(carrier, end, signal)
      byTimeline.set(carrier.timeline, running)
      if (end.direction === 'inbound') upgrading.add(end)
      try {
        const connection = await running
        open.add(connection)
        connection.onClosed((reason) => {
          open.delete(connection)
          const why = reason === undefined ? 'closed' : messageOf(reason)
          deps.logger.debug('a routed connection is closed', { peer: connection.peer, why })
        })
        return connection
      } catch (error) {
        carrier.abort(error instanceof Error ? error : new Error(String(error)))
        if (signal?.aborted === true) throw error
        throw endRefused(end, error)
      } finally {
        upgrading.delete(end)
      }
    },
    handle: (protocol, handler, maxStreams) =>
      deps.host.upgrades.handle(
        protocol,
        (stream, timeline) => serve(deps, stream, byTimeline.get(timeline), handler),
        maxStreams,
      ),
    hasRoom(firstHop) {
      const ends: readonly RouteEnd[] = [...inbound(), ...upgrading]
      if (ends.length >= MAX_INBOUND) return false
      return ends.filter(({ path }) => path[0] === firstHop).length < MAX_INBOUND_PER_HOP
    },
    all: () => [...open],
    dropThrough(peer) {
      for (const connection of [...open]) {
        if (connection.path.includes(peer)) connection.abort('a node on the route was expelled')
      }
    },
  }
}

function endRefused({ path }: RouteEnd, cause: unknown) {
  const peer = path.at(-1)
  if (peer === undefined) throw new RangeError('a route leads to somebody')
  return routeFault(
    { code: 'ROUTE_END_REFUSED', peer, path },
    `the handshake with ${peer} over the route failed: ${messageOf(cause)}`,
    cause,
  )
}

/**
 * The address names the first hop, by which the handshake's gate counts, and for the end that opens the route the
 * expected peer, which the handshake demands.
 */
function carrierOf({ flow, stream, line }: Hop, { path, direction }: RouteEnd): FlowCarrier {
  const via = `/memory/${path[0]}`
  const remoteAddr = multiaddr(direction === 'outbound' ? `${via}/p2p/${path.at(-1)}` : via)
  return new FlowCarrier(flow, { remoteAddr, direction, log: stream.log, frameBytes: line.frameBytes })
}

function serve(
  { membership }: RouteEndsDeps,
  stream: Stream,
  connection: Promise<RoutedConnection> | undefined,
  handler: RoutedHandler,
): void {
  const refuse = (error: unknown): void =>
    stream.abort(error instanceof Error ? error : new Error(String(error)))
  if (connection === undefined) {
    refuse(new Error('the connection is not in use'))
    return
  }
  connection.then((opened) => {
    if (membership.standing(opened.peer) === 'member') handler(stream, opened)
    else opened.abort('the peer is no member any more')
  }, refuse)
}
