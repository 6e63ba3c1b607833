import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { messageOf } from '../../platform/error.ts'
import { type Lifecycle, startAll, stopAll } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { HybridKey } from '../../security/hybrid-key.ts'
import { evaluatePolicy } from '../../security/policy.ts'
import { createFlood, type FloodTimes } from '../flood/flood.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import { ADVERT_KINDS, type AdvertCount, createAdvertStore, type HeldAdvert } from './advert-store.ts'
import { type Advertiser, createAdvertiser } from './advertiser.ts'
import { createOwnNumbers } from './own-numbers.ts'
import { type CostedPath, createPathTable, type Hops, type PathTable } from './path-table.ts'
import { createPatience, type PatienceKeeper } from './patience.ts'
import type { QueuedBytes, RoutingLinks, RoutingMembership, RoutingStore } from './ports.ts'
import { createSteering, type Steering, type SteeringState } from './steering.ts'
import { buildTopology, type NodeLinks, type Topology } from './topology.ts'

const LINK_STATE_PROTOCOL = '/x0t/linkstate/1'

export interface RoutingDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly streams: PeerStreams
  readonly membership: RoutingMembership
  readonly links: RoutingLinks
  /** Of this node: it signs the adverts. */
  readonly key: HybridKey
  readonly store: RoutingStore
  readonly queuedBytes?: QueuedBytes
}

export interface RoutingOptions extends FloodTimes {
  /** How often an unchanged advert is signed anew. Default 30 minutes, as OSPF's LSRefreshTime (RFC 2328). */
  readonly refreshMs?: number
  /** What one recomputation waits for others to join it. Default 10 ms. */
  readonly debounceMs?: number
}

export interface RoutingEvents {
  /** Some answer of `pathsTo` may be another one now. */
  changed: Record<string, never>
}

/** The links of the whole mesh as this node knows them, and the ways over them. */
export interface Routing extends Lifecycle {
  readonly events: Pick<Emitter<RoutingEvents>, 'on'>
  /** Cheapest first, at most three, disjoint. Empty when no way is known. Each starts with a link that is there now. */
  pathsTo(peer: PeerId): readonly Hops[]
  /** The same with the sum of the advertised costs; a direct link that others do not know of yet has none. */
  routesTo(peer: PeerId): readonly (CostedPath | { readonly hops: Hops; readonly costUs: undefined })[]
  /** Paths that another node would take by what it advertises; without its habits, so it may stay on another one. */
  pathsBetween(from: PeerId, to: PeerId): readonly CostedPath[]
  /** Since the newest advert of a member came, ms; `undefined` when there is none. */
  heardMs(peer: PeerId): number | undefined
  topology(): TopologyView
  /** Leads traffic away from a link or from this node for a while. */
  readonly steering: Steering
  counters(): Readonly<Record<AdvertCount | 'recomputed', number>>
}

/** What is advertised. A link counts for paths when both ends advertise it. */
export interface TopologyView {
  readonly nodes: readonly TopologyNode[]
}

export interface TopologyNode extends HeldAdvert {
  /** Since its advert came, ms. */
  readonly heardMs: number
  /** Signed two adverts under one number: no path leads over it for a while. */
  readonly convicted: boolean
  /** Whether paths may lead through it: it says so, its certificate and the policy allow it. */
  readonly carries: boolean
}

const TICK_MS = 1_000
const REFRESH_MS = 30 * 60_000
const AGES_AFTER_REFRESHES = 3
/** At most this share of the time goes into recomputing, however fast the mesh changes. */
const COMPUTE_SHARE = 0.1

export const createRouting = (deps: RoutingDeps, options: RoutingOptions = {}): Routing =>
  new LinkStateRouting(deps, options)

class LinkStateRouting implements Routing {
  readonly #deps: RoutingDeps
  readonly #debounceMs: number
  readonly #events: Emitter<RoutingEvents>
  readonly #adverts: ReturnType<typeof createAdvertStore>
  readonly #advertiser: Advertiser
  readonly #parts: readonly Lifecycle[]
  readonly #patience: PatienceKeeper
  readonly #steering: SteeringState
  readonly #offs: (() => void)[] = []
  #topology: Topology = buildTopology([])
  #table: PathTable | undefined
  /** What was last answered, by target: what hysteresis compares with. */
  #answered = new Map<PeerId, readonly CostedPath[]>()
  #lastMs = 0
  #recomputed = 0
  #cancel: (() => void) | undefined
  #cancelTick: (() => void) | undefined

  constructor(deps: RoutingDeps, options: RoutingOptions) {
    const { refreshMs = REFRESH_MS, debounceMs = 10 } = options
    const logger = deps.logger.child({ component: 'routing' })
    const { membership, clock } = deps
    this.#deps = { ...deps, logger }
    this.#debounceMs = debounceMs
    this.#events = createEmitter((error) =>
      logger.error('a listener of routing failed', { error: messageOf(error) }),
    )
    const store = createAdvertStore({ ...deps, logger }, { maxAgeMs: refreshMs * AGES_AFTER_REFRESHES })
    this.#adverts = store
    this.#patience = createPatience(clock)
    const numbers = createOwnNumbers(clock, deps.store)
    this.#steering = createSteering(clock, {
      isFine: (peer) => deps.links.links().some((link) => link.peer === peer && link.state === 'up'),
      // Everybody has to hear of it now, not when a cost happens to be due.
      onChange: () => this.#advertiser.resign(),
    })
    this.#advertiser = createAdvertiser(
      { ...deps, numbers, store, steering: this.#steering, queuedBytes: deps.queuedBytes ?? (() => 0) },
      { refreshMs },
    )
    store.events.on('outnumbered', ({ incarnation }) => {
      logger.warn('others remember a later life of this node: going on above it', { incarnation })
      numbers.jumpAbove(incarnation)
      this.#advertiser.resign()
    })
    const flood = createFlood(
      {
        ...{ ...deps, logger, replica: store },
        onNews: (listener) => store.events.on('news', listener),
        noteMisbehaviour: membership.noteMisbehaviour,
      },
      { ...options, protocol: LINK_STATE_PROTOCOL, component: 'linkstate', kinds: ADVERT_KINDS },
    )
    this.#parts = [flood, this.#advertiser]
  }

  get events(): Pick<Emitter<RoutingEvents>, 'on'> {
    return this.#events
  }

  get steering(): Steering {
    return this.#steering
  }

  async start(): Promise<void> {
    if (this.#offs.length > 0) return
    const { membership, links } = this.#deps
    this.#offs.push(
      this.#adverts.events.on('changed', () => this.#changed()),
      links.events.on('stateChanged', () => this.#changed()),
      membership.events.on('expelled', ({ peer }) => this.#adverts.forget(peer)),
      membership.events.on('memberChanged', ({ peer }) => {
        this.#adverts.retry(peer)
        this.#changed()
      }),
      membership.events.on('policyChanged', () => this.#changed()),
    )
    await startAll(this.#parts)
    this.#tick()
  }

  async stop(): Promise<void> {
    for (const off of this.#offs.splice(0)) off()
    this.#cancel?.()
    this.#cancelTick?.()
    this.#cancel = undefined
    this.#steering.stop()
    await stopAll(this.#parts)
  }

  pathsTo(peer: PeerId): readonly Hops[] {
    return this.routesTo(peer).map(({ hops }) => hops)
  }

  routesTo(peer: PeerId): ReturnType<Routing['routesTo']> {
    const linked = this.#linked()
    this.#table ??= createPathTable(
      this.#topology,
      this.#deps.membership.self,
      (target) => this.#answered.get(target) ?? [],
      this.#patience,
    )
    const paths = this.#table.pathsTo(peer)
    this.#answered.set(peer, paths)
    // What was worked out a moment ago may start with a link that is gone by now, or lead over an expelled node.
    const { standing } = this.#deps.membership
    const usable = paths.filter(
      ({ hops: [first, ...rest] }) =>
        first !== undefined &&
        linked.has(first) &&
        [first, ...rest].every((hop) => standing(hop) === 'member'),
    )
    const isDirect = usable.some(({ hops }) => hops.length === 1)
    // The own link is known at first hand, also before the other end has advertised it.
    return linked.has(peer) && !isDirect ? [...usable, { hops: [peer], costUs: undefined }] : usable
  }

  pathsBetween(from: PeerId, to: PeerId): readonly CostedPath[] {
    return createPathTable(this.#topology, from, () => []).pathsTo(to)
  }

  topology(): TopologyView {
    const { clock } = this.#deps
    const counting = new Set(this.#adverts.counting().map(({ origin }) => origin))
    const nodes = this.#adverts.digest().flatMap(({ kind, name }) => {
      const advert = kind === 'advert' ? this.#adverts.get(name as PeerId) : undefined
      return advert === undefined ? [] : [advert]
    })
    return {
      nodes: nodes.map((advert) => ({
        ...advert,
        heardMs: clock.monotonicMs() - advert.receivedMs,
        convicted: !counting.has(advert.origin),
        carries: this.#mayCarry(advert),
      })),
    }
  }

  heardMs(peer: PeerId): number | undefined {
    const advert = this.#adverts.get(peer)
    return advert && this.#deps.clock.monotonicMs() - advert.receivedMs
  }

  counters(): ReturnType<Routing['counters']> {
    return { ...this.#adverts.counters(), recomputed: this.#recomputed }
  }

  #tick(): void {
    this.#cancelTick = this.#deps.clock.after(TICK_MS, () => {
      this.#adverts.tick()
      this.#advertiser.tick()
      if (this.#patience.hasRunOut()) this.#changed()
      this.#tick()
    })
  }

  #linked(): ReadonlySet<PeerId> {
    const views = this.#deps.links.links()
    return new Set(views.flatMap(({ peer, state }) => (state === 'down' ? [] : [peer])))
  }

  #changed(): void {
    if (this.#cancel !== undefined) return
    const delayMs = Math.max(this.#debounceMs, this.#lastMs / COMPUTE_SHARE)
    this.#cancel = this.#deps.clock.after(delayMs, () => {
      this.#cancel = undefined
      this.#recompute()
    })
  }

  #recompute(): void {
    const { clock, membership } = this.#deps
    const startedMs = clock.monotonicMs()
    const linked = this.#linked()
    const said = this.#adverts.counting().map((advert): NodeLinks => {
      const { origin, links } = advert
      const isOwn = origin === membership.self
      return {
        origin,
        transit: this.#mayCarry(advert),
        links: isOwn ? links.filter(({ peer }) => linked.has(peer)) : links,
      }
    })
    this.#topology = buildTopology(said)
    this.#table = undefined
    for (const target of this.#answered.keys()) {
      if (this.#topology.numberOf.has(target)) continue
      this.#answered.delete(target)
      this.#patience.settled(target)
    }
    this.#recomputed += 1
    this.#lastMs = clock.monotonicMs() - startedMs
    this.#events.emit('changed', {})
  }

  /** Its own word is not enough: its certificate has to say so, and the policy has to let it carry this node's traffic. */
  #mayCarry({ origin, transit }: Pick<HeldAdvert, 'origin' | 'transit'>): boolean {
    const { membership } = this.#deps
    const at = membership.certificateOf(origin)
    const who = membership.certificateOf(membership.self)
    if (!transit || at?.transit !== true || who === undefined) return false
    return evaluatePolicy(membership.policy(), { action: 'transit', who, at }).allow
  }
}
