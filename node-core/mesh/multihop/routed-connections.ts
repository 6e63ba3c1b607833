import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { CarrierUpgrades } from '../host/carrier-upgrades.ts'
import { DEFAULT_HOP_LIMITS, type HopAccount, type HopLimits } from './hop-accounts.ts'
import { adoptHop, type Hop, openHop, ROUTE_PROTOCOL, type RouteStreams } from './hop-opener.ts'
import { isPathFit, judgeArrival, judgePath, type RouteMembership } from './route-checks.ts'
import { createRouteEnds, type RoutedHandler, type RouteEnds } from './route-ends.ts'
import { ROUTE_REFUSALS, type RouteRefusal, type RouteRefusalCode, routeFault } from './route-fault.ts'
import { decodeHeader, encodeReply, type RouteHeader } from './route-header.ts'
import type { RoutedConnection } from './routed-connection.ts'
import { readSetupFrame, writeSetupFrame } from './setup-frames.ts'
import { createTransit, type Transit } from './transit.ts'

export interface RoutedConnectionsDeps {
  readonly self: PeerId
  readonly clock: Clock
  readonly logger: Logger
  /** A `Host` fits. */
  readonly host: RouteStreams & { readonly upgrades: CarrierUpgrades }
  /** A `Membership` fits. */
  readonly membership: RouteMembership & {
    readonly events: {
      on(event: 'expelled' | 'memberChanged', listener: (news: { readonly peer: PeerId }) => void): () => void
      on(event: 'policyChanged', listener: () => void): () => void
    }
  }
  /** Whether there is a direct link to a peer now that bytes get through: `up` or `degraded`. */
  isUp(peer: PeerId): boolean
}

export interface RoutedConnectionsOptions {
  /** What this node carries for others. */
  readonly limits?: Partial<HopLimits>
}

export interface RouteStats {
  /** Routes that this node carries for others, by the authenticated previous hop. */
  readonly transit: readonly HopAccount[]
  /** Routed connections that begin or end here. */
  readonly connections: number
  /** Routes that this node refused, by code. */
  readonly refused: Readonly<Record<RouteRefusalCode, number>>
}

/** Connections to members over other members, and the part that this node has in those of others. */
export interface RoutedConnections extends Lifecycle {
  /**
   * Opens a connection along `path`: the peers from the first hop to the far end, at least two and at most eight. Uses
   * direct links that are up, and never dials. Two connections to one peer, over one path or two, are two connections.
   *
   * @throws FaultError ROUTE_REFUSED with who refused and why; ROUTE_END_REFUSED when the far end is another or does
   * not admit this node; ROUTES_STOPPED; ABORTED with the signal
   */
  open(path: readonly PeerId[], signal: AbortSignal): Promise<RoutedConnection>
  /**
   * Serves a protocol on routed connections: what `newStream` opens at the other end. The handler owns the stream. Can
   * be called before the start. `maxStreams` is for one connection, default 1024.
   */
  handle(protocol: string, handler: RoutedHandler, maxStreams?: number): Promise<void>
  unhandle(protocol: string): Promise<void>
  /** Open ones, made here or by the other end. */
  all(): readonly RoutedConnection[]
  stats(): RouteStats
}

/** The first frame of a stream is due this long after the stream. */
const HEADER_TIMEOUT_MS = 3_000
/** How long a refusal has to reach the previous hop before the stream is reset. */
const FAREWELL_MS = 1_000
/** Routes that one neighbour may have through or to this node; the accounts allow less. */
const MAX_ROUTE_STREAMS = 1_024
const DEFAULT_MAX_STREAMS = 1_024

interface Parts {
  readonly deps: RoutedConnectionsDeps
  readonly ends: RouteEnds
  readonly transit: Transit
  readonly refused: Map<RouteRefusalCode, number>
}

export function createRoutedConnections(
  given: RoutedConnectionsDeps,
  options: RoutedConnectionsOptions = {},
): RoutedConnections {
  const deps = { ...given, logger: given.logger.child({ component: 'multihop' }) }
  const transit = createTransit(
    { ...deps, streams: deps.host, isUp: (peer) => deps.isUp(peer) },
    { ...DEFAULT_HOP_LIMITS, ...options.limits },
  )
  const parts: Parts = { deps, ends: createRouteEnds(deps), transit, refused: new Map() }
  let running: readonly (() => void)[] | undefined

  return {
    async open(path, signal) {
      if (running === undefined) throw routeFault({ code: 'ROUTES_STOPPED' }, 'multi-hop is not running')
      return await openRoute(parts, path, signal)
    },
    handle: (protocol, handler, maxStreams = DEFAULT_MAX_STREAMS) =>
      parts.ends.handle(protocol, handler, maxStreams),
    unhandle: (protocol) => deps.host.upgrades.unhandle(protocol),
    all: parts.ends.all,
    stats: () => ({
      transit: transit.accounts(),
      connections: parts.ends.all().length,
      refused: refusalCounts(parts.refused),
    }),
    async start() {
      if (running !== undefined) return
      running = followMembership(parts)
      await deps.host.handle(
        ROUTE_PROTOCOL,
        (stream, previous) => {
          serve(parts, stream, previous).catch((error: unknown) => {
            deps.logger.debug('a route came to nothing', { previous, error: messageOf(error) })
            stream.abort(error instanceof Error ? error : new Error(String(error)))
          })
        },
        { maxStreams: MAX_ROUTE_STREAMS },
      )
    },
    async stop() {
      const listening = running
      if (listening === undefined) return
      running = undefined
      for (const off of listening) off()
      await deps.host.unhandle(ROUTE_PROTOCOL)
      transit.stop()
      await Promise.all(parts.ends.all().map((connection) => connection.close('this node stops')))
    },
  }
}

/** Whoever is expelled is on no route from here on, as an end or in the middle. */
function followMembership({ deps, ends, transit }: Parts): readonly (() => void)[] {
  const { events } = deps.membership
  return [
    events.on('expelled', ({ peer }) => {
      ends.dropThrough(peer)
      transit.judgeAgain()
    }),
    events.on('memberChanged', () => transit.judgeAgain()),
    events.on('policyChanged', () => transit.judgeAgain()),
  ]
}

const refusalCounts = (counts: ReadonlyMap<RouteRefusalCode, number>): RouteStats['refused'] =>
  Object.fromEntries(
    Object.keys(ROUTE_REFUSALS).map((code) => [code, counts.get(code as RouteRefusalCode) ?? 0]),
  ) as RouteStats['refused']

async function openRoute(
  { deps, ends }: Parts,
  path: readonly PeerId[],
  signal: AbortSignal,
): Promise<RoutedConnection> {
  const header: RouteHeader = { path: [deps.self, ...path], at: 1 }
  const refused = (refusal: RouteRefusal) =>
    routeFault(
      { code: 'ROUTE_REFUSED', refusal, path },
      `${refusal.at} refused the route: ${ROUTE_REFUSALS[refusal.code]}`,
    )
  const own = path.length < 2 ? 'MALFORMED' : judgePath(header.path)
  if (own !== undefined) throw refused({ code: own, at: deps.self })
  if (!isPathFit(deps.membership, header.path)) throw refused({ code: 'DENIED', at: deps.self })
  const opening = await openHop(
    { ...deps, streams: deps.host, isUp: (peer) => deps.isUp(peer) },
    header,
    signal,
  )
  if (opening.kind === 'refused') throw refused(opening.refusal)
  return await ends.upgrade(opening.hop, { path, direction: 'outbound' }, signal)
}

/** A stream of a neighbour: the header, then one end of a route, or a part of it. */
async function serve(parts: Parts, stream: Stream, previous: PeerId): Promise<void> {
  const { deps, transit } = parts
  const hop = adoptHop({ ...deps, streams: deps.host }, stream)
  const refuse = (refusal: RouteRefusal): void => {
    parts.refused.set(refusal.code, (parts.refused.get(refusal.code) ?? 0) + 1)
    sayRefusal(deps.clock, hop, refusal)
  }
  const refuseHere = (code: RouteRefusalCode): void => refuse({ code, at: deps.self })
  if (!transit.allowsOpening(previous)) return refuseHere('OVERLOADED')
  const bytes = await withTimeout(deps.clock, HEADER_TIMEOUT_MS, "a route's header", (signal) =>
    readSetupFrame(hop.flow, signal),
  )
  const header = decodeHeader(bytes)
  if (header === undefined) return refuseHere('MALFORMED')
  const arrival = judgeArrival(header, deps.self, previous)
  if (arrival.kind === 'refused') return refuseHere(arrival.code)
  if (arrival.kind === 'forward') {
    const refusal = await transit.carry(hop, header)
    if (refusal !== undefined) refuse(refusal)
    return
  }
  if (!isPathFit(deps.membership, header.path)) return refuseHere('DENIED')
  if (!parts.ends.hasRoom(previous)) return refuseHere('OVERLOADED')
  writeSetupFrame(hop.flow, encodeReply({ kind: 'open' }))
  const path = header.path.slice(0, -1).toReversed()
  await parts.ends.upgrade(hop, { path, direction: 'inbound' })
}

function sayRefusal(clock: Clock, { flow }: Hop, refusal: RouteRefusal): void {
  writeSetupFrame(flow, encodeReply({ kind: 'refused', refusal }))
  flow.end()
  flow.resume()
  const cancel = clock.after(FAREWELL_MS, () => flow.destroy())
  flow.once('close', cancel)
}
