import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import { type CountedRoute, createHopAccounts, type HopAccount, type HopLimits } from './hop-accounts.ts'
import { bufferedInHop, type Hop, type HopOpenerDeps, openHop } from './hop-opener.ts'
import { mayCarry, type RouteMembership } from './route-checks.ts'
import type { RouteRefusal } from './route-fault.ts'
import { encodeReply, type RouteHeader } from './route-header.ts'
import { writeSetupFrame } from './setup-frames.ts'
import { splice } from './splice.ts'

/** How often what the routes hold is looked at, while there are any. */
const WATCH_INTERVAL_MS = 250
/** A route on which nothing moves for so long is over: the muxer of a living one says something every 30 s. */
const IDLE_LIMIT_MS = 120_000

export interface TransitDeps extends HopOpenerDeps {
  readonly clock: Clock
  readonly logger: Logger
  readonly membership: RouteMembership
}

/** The routes that this node carries for others. */
export interface Transit {
  /**
   * Opens the rest of a route, answers the previous hop and joins the two. Returns the refusal that is to be answered
   * instead.
   */
  carry(upstream: Hop, header: RouteHeader): Promise<RouteRefusal | undefined>
  /** False when the previous hop has used up its allowance of openings. */
  allowsOpening(previous: PeerId): boolean
  /** Cuts the routes that this node would not carry any more. */
  judgeAgain(): void
  accounts(): readonly HopAccount[]
  stop(): void
}

interface CarriedRoute extends CountedRoute {
  readonly header: RouteHeader
  cut(reason: string): void
}

export function createTransit(deps: TransitDeps, limits: HopLimits): Transit {
  const accounts = createHopAccounts(deps.clock, limits)
  const routes = new Set<CarriedRoute>()
  const watch = createWatch(deps.clock, routes, () => accounts.overfull())

  const join = (upstream: Hop, downstream: Hop, header: RouteHeader, ends: RouteEnds): void => {
    let carriedBytes = 0
    const route: CarriedRoute = {
      ...ends,
      header,
      carriedBytes: () => carriedBytes,
      bufferedBytes: () => bufferedInHop(upstream) + bufferedInHop(downstream),
      cut(reason) {
        deps.logger.info('cutting a route', { ...ends, reason })
        upstream.flow.destroy(new Error(reason))
        downstream.flow.destroy(new Error(reason))
      },
    }
    routes.add(route)
    accounts.add(route)
    let open = 2
    const onClose = (): void => {
      open -= 1
      if (open > 0) return
      routes.delete(route)
      accounts.remove(route)
    }
    for (const { flow } of [upstream, downstream]) {
      if (flow.closed) onClose()
      else flow.once('close', onClose)
    }
    splice(upstream.flow, downstream.flow, (bytes) => {
      carriedBytes += bytes
    })
    watch.start()
  }

  return {
    allowsOpening: accounts.allowOpening,
    async carry(upstream, header) {
      const ends = endsOf(header)
      if (ends === undefined) return { code: 'MISROUTED', at: deps.self }
      if (!mayCarry(deps.membership, header)) return { code: 'DENIED', at: deps.self }
      const hasRoom = accounts.allowForwarding(ends.previous) && accounts.hasRoom(ends.previous, ends.next)
      if (!hasRoom) return { code: 'OVERLOADED', at: deps.self }
      const abandoned = new AbortController()
      const onGone = (): void => abandoned.abort()
      upstream.flow.once('close', onGone)
      try {
        const opening = await openHop(deps, { ...header, at: header.at + 1 }, abandoned.signal)
        if (opening.kind === 'refused') return opening.refusal
        if (upstream.flow.destroyed) {
          opening.hop.flow.destroy()
          return undefined
        }
        writeSetupFrame(upstream.flow, encodeReply({ kind: 'open' }))
        join(upstream, opening.hop, header, ends)
        return undefined
      } catch (error) {
        if (abandoned.signal.aborted) return undefined
        throw error
      } finally {
        upstream.flow.off('close', onGone)
      }
    },
    judgeAgain() {
      for (const route of [...routes]) {
        if (!mayCarry(deps.membership, route.header)) route.cut('the route is not allowed any more')
      }
    },
    accounts: accounts.accounts,
    stop() {
      watch.stop()
      for (const route of [...routes]) route.cut('this node stops')
    },
  }
}

interface RouteEnds {
  readonly previous: PeerId
  readonly next: PeerId
}

function endsOf({ path, at }: RouteHeader): RouteEnds | undefined {
  const [previous, next] = [path[at - 1], path[at + 1]]
  return previous === undefined || next === undefined ? undefined : { previous, next }
}

/** Cuts routes that hold too much or on which nothing moves. Its timer runs only while there are routes. */
function createWatch(
  clock: Clock,
  routes: ReadonlySet<CarriedRoute>,
  overfull: () => readonly CountedRoute[],
) {
  const progress = new WeakMap<CarriedRoute, { bytes: number; sinceMs: number }>()
  let cancel: (() => void) | undefined

  const cutIdle = (route: CarriedRoute): void => {
    const bytes = route.carriedBytes()
    const last = progress.get(route)
    if (last?.bytes !== bytes) progress.set(route, { bytes, sinceMs: clock.monotonicMs() })
    else if (clock.monotonicMs() - last.sinceMs > IDLE_LIMIT_MS) route.cut('nothing moves on the route')
  }
  const look = (): void => {
    cancel = undefined
    const tooFull = new Set(overfull())
    for (const route of [...routes]) {
      if (tooFull.has(route)) route.cut('the previous hop holds too many bytes here')
      else cutIdle(route)
    }
    start()
  }
  const start = (): void => {
    if (cancel === undefined && routes.size > 0) cancel = clock.after(WATCH_INTERVAL_MS, look)
  }
  return {
    start,
    stop(): void {
      cancel?.()
      cancel = undefined
    },
  }
}
