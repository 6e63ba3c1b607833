import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'

export interface HopLimits {
  /** Routes carried at once, for all previous hops together. */
  readonly maxRoutes: number
  /** Routes carried at once for one previous hop. */
  readonly maxRoutesPerHop: number
  /** Openings of one previous hop: this many at once, then so many a second. */
  readonly openBurst: number
  readonly opensPerSecond: number
  /** Bytes that the routes of one previous hop may hold here. */
  readonly maxBufferedBytesPerHop: number
}

export const DEFAULT_HOP_LIMITS: HopLimits = {
  maxRoutes: 1_024,
  maxRoutesPerHop: 512,
  openBurst: 128,
  opensPerSecond: 32,
  maxBufferedBytesPerHop: 64 * 1024 * 1024,
}

/** A route as its accounts see it. */
export interface CountedRoute {
  readonly previous: PeerId
  readonly next: PeerId
  /** Carried so far, both ways. */
  carriedBytes(): number
  /** Held here now. */
  bufferedBytes(): number
}

export interface HopAccount {
  readonly peer: PeerId
  readonly routes: number
  readonly carriedBytes: number
  readonly bufferedBytes: number
}

/** Counts what is carried for whom. The authenticated previous hop answers for whatever it passes on. */
export interface HopAccounts {
  /** Takes one opening from the previous hop's allowance. False when it has none left. */
  allowOpening(previous: PeerId): boolean
  /**
   * Takes one opening from what this node forwards for a previous hop: half of the above, because the next node counts
   * all that this one forwards as its own, and one previous hop must not use that up for all.
   */
  allowForwarding(previous: PeerId): boolean
  /** Whether there is room for one more route of this previous hop, here and in what the next hop grants this node. */
  hasRoom(previous: PeerId, next: PeerId): boolean
  add(route: CountedRoute): void
  remove(route: CountedRoute): void
  /** Routes to cut: of every previous hop that holds too much, the one that holds most. */
  overfull(): readonly CountedRoute[]
  accounts(): readonly HopAccount[]
  readonly routes: number
}

interface Hop {
  readonly routes: Set<CountedRoute>
  /** Of routes that are over. */
  carriedBytes: number
  readonly openings: Allowance
  readonly forwardings: Allowance
}

/** A token bucket. */
interface Allowance {
  readonly burst: number
  readonly perSecond: number
  tokens: number
  refilledMs: number
}

/** Hops without a route whose allowance is full again are forgotten above this number. */
const MAX_IDLE_HOPS = 1_024

export function createHopAccounts(clock: Clock, limits: HopLimits): HopAccounts {
  const hops = new Map<PeerId, Hop>()
  let routes = 0

  const allowance = (burst: number, perSecond: number): Allowance => ({
    ...{ burst, perSecond, tokens: burst },
    refilledMs: clock.monotonicMs(),
  })
  const forgetIdle = (): void => {
    for (const [peer, hop] of hops) {
      if (hop.routes.size === 0 && isFull(clock, hop.openings)) hops.delete(peer)
    }
  }
  const hopOf = (peer: PeerId): Hop => {
    const known = hops.get(peer)
    if (known !== undefined) return known
    if (hops.size >= MAX_IDLE_HOPS) forgetIdle()
    const { openBurst, opensPerSecond } = limits
    const hop = {
      routes: new Set<CountedRoute>(),
      carriedBytes: 0,
      openings: allowance(openBurst, opensPerSecond),
      forwardings: allowance(openBurst / 2, opensPerSecond / 2),
    }
    hops.set(peer, hop)
    return hop
  }
  const buffered = (hop: Hop): number => total(hop.routes, (route) => route.bufferedBytes())

  return {
    allowOpening: (previous) => take(clock, hopOf(previous).openings),
    allowForwarding: (previous) => take(clock, hopOf(previous).forwardings),
    hasRoom(previous, next) {
      const own = hopOf(previous).routes
      const { maxRoutes, maxRoutesPerHop } = limits
      let [ownToNext, allToNext] = [0, 0]
      for (const hop of hops.values()) {
        const count = total(hop.routes, (route) => (route.next === next ? 1 : 0))
        allToNext += count
        if (hop.routes === own) ownToNext = count
      }
      // Nobody gets more than what is left over, so that whoever comes last still finds room.
      return (
        own.size < Math.min(maxRoutesPerHop, maxRoutes - routes) &&
        ownToNext < maxRoutesPerHop - allToNext &&
        buffered(hopOf(previous)) < limits.maxBufferedBytesPerHop
      )
    },
    add(route) {
      hopOf(route.previous).routes.add(route)
      routes += 1
    },
    remove(route) {
      const hop = hops.get(route.previous)
      if (hop?.routes.delete(route) !== true) return
      hop.carriedBytes += route.carriedBytes()
      routes -= 1
    },
    overfull: () =>
      [...hops.values()].flatMap((hop) => {
        if (buffered(hop) <= limits.maxBufferedBytesPerHop) return []
        const fattest = [...hop.routes].sort((a, b) => b.bufferedBytes() - a.bufferedBytes())
        return fattest.slice(0, 1)
      }),
    accounts: () =>
      [...hops].map(([peer, hop]) => ({
        peer,
        routes: hop.routes.size,
        carriedBytes: hop.carriedBytes + total(hop.routes, (route) => route.carriedBytes()),
        bufferedBytes: buffered(hop),
      })),
    get routes() {
      return routes
    },
  }
}

function refill(clock: Clock, allowance: Allowance): void {
  const nowMs = clock.monotonicMs()
  const gained = ((nowMs - allowance.refilledMs) / 1_000) * allowance.perSecond
  allowance.tokens = Math.min(allowance.burst, allowance.tokens + gained)
  allowance.refilledMs = nowMs
}

function take(clock: Clock, allowance: Allowance): boolean {
  refill(clock, allowance)
  if (allowance.tokens < 1) return false
  allowance.tokens -= 1
  return true
}

function isFull(clock: Clock, allowance: Allowance): boolean {
  refill(clock, allowance)
  return allowance.tokens >= allowance.burst
}

function total(routes: Iterable<CountedRoute>, read: (route: CountedRoute) => number): number {
  let sum = 0
  for (const route of routes) sum += read(route)
  return sum
}
