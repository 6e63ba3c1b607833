import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { Host } from '../host/host.ts'
import { hostFault } from '../host/host-fault.ts'
import type { FoundAddresses, LinkMembership, ReachedAddresses } from './candidate-book.ts'
import { createHeartbeat, type Heartbeat } from './heartbeat.ts'
import { createLinkTable, type LinkEvents } from './link-table.ts'
import type { LinkView } from './link-view.ts'
import { createNeighbourKeeper, type NeighbourKeeper } from './neighbour-keeper.ts'
import { BUSY_INTERVAL_MS } from './rhythm.ts'

export type { LinkView } from './link-view.ts'

export interface LinksDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly host: Host
  readonly membership: LinkMembership
  readonly reached?: ReachedAddresses
  readonly found?: FoundAddresses
}

export interface LinksOptions {
  /** Links that the node keeps in a mesh that is larger than `max`. Default 3. */
  readonly min?: number
  /** Default 8. In a mesh of no more other nodes than this it keeps a link to each. */
  readonly max?: number
  /** Multiaddrs that a person named, with or without the peer at the end: always tried. */
  readonly peers?: readonly string[]
}

/** Probed links to neighbours, and the will to have them. */
export interface Links extends Lifecycle {
  readonly events: Pick<Emitter<LinkEvents>, 'on'>
  links(): readonly LinkView[]
  /**
   * Round trip of one probe over the link to a neighbour.
   *
   * @throws FaultError PEER_NOT_CONNECTED, STREAM_CLOSED, ABORTED
   */
  ping(peer: PeerId, signal: AbortSignal): Promise<{ readonly rttMs: number }>
  /**
   * Has a new connection to a peer: where there is none, or beside the one there is, which is closed afterwards. Both
   * ends then have fresh keys. False when the other end's own connection stayed in use.
   *
   * @throws FaultError NO_ADDRESS, DIAL_FAILED, HOST_STOPPED, TIMEOUT, ABORTED
   */
  renew(peer: PeerId, signal: AbortSignal): Promise<boolean>
  /** Probes no faster than an idle node for so long. False when it does so already. */
  calm(forMs: number): boolean
  /** How late the event loop has been at worst since this was asked last, ms: the links are tended ten times a second anyway. */
  takeWorstLagMs(): number
}

const ADDRESS_CHECK_MS = 5_000
/** A silent peer is seen later meanwhile. */
const MAX_CALM_MS = 10 * 60_000

export function createLinks(deps: LinksDeps, options: LinksOptions = {}): Links {
  const logger = deps.logger.child({ component: 'links' })
  const events = createEmitter<LinkEvents>((error) =>
    logger.error('a listener of link events failed', { error }),
  )
  const table = createLinkTable({ ...deps, logger, events })
  const addresses = watchAddresses(deps, events)
  let running: { readonly keeper: NeighbourKeeper; readonly heartbeat: Heartbeat } | undefined

  return {
    events,
    links: () => table.views(running?.keeper.wanted() ?? []),
    async ping(peer, signal) {
      const session = table.sessionOf(peer)
      if (session === undefined) {
        throw hostFault({ code: 'PEER_NOT_CONNECTED', peer }, `there is no link to ${peer}`)
      }
      return { rttMs: await session.ping(signal) }
    },
    async renew(peer, signal) {
      if (running === undefined) throw hostFault({ code: 'HOST_STOPPED' }, 'the links are stopped')
      const before = deps.host.connections.of(peer)
      const now = await running.keeper.dialNow(peer, before !== undefined, signal)
      return now.id !== before?.id
    },
    calm: (forMs) => table.calm(Math.min(MAX_CALM_MS, forMs)),
    takeWorstLagMs: () => running?.heartbeat.takeWorstLagMs() ?? 0,
    async start() {
      if (running !== undefined) return
      const keeper = createNeighbourKeeper({ ...deps, logger, table }, options)
      const heartbeat = createHeartbeat(deps.clock, BUSY_INTERVAL_MS, {
        onTick(stalledMs, lagMs) {
          addresses.tick(() => keeper.retrySoon())
          table.tick(stalledMs, lagMs)
          keeper.tick()
        },
        onWake(sleptMs) {
          logger.info('woke up', { sleptMs: Math.round(sleptMs) })
          addresses.checkSoon()
          table.hurry()
          keeper.retrySoon()
          events.emit('woke', { sleptMs })
        },
      })
      running = { keeper, heartbeat }
      addresses.start()
      await table.start()
      keeper.start()
      heartbeat.start()
    },
    async stop() {
      if (running === undefined) return
      const { keeper, heartbeat } = running
      running = undefined
      heartbeat.stop()
      keeper.stop()
      await table.stop()
    },
  }
}

/** Tells when the machine's addresses become others: a node has to say so, and may reach what it could not. */
function watchAddresses({ host, clock }: LinksDeps, events: Emitter<LinkEvents>) {
  let known = ''
  let dueMs = 0
  return {
    start(): void {
      known = host.advertisedAddresses().join(' ')
      dueMs = clock.monotonicMs() + ADDRESS_CHECK_MS
    },
    checkSoon(): void {
      dueMs = 0
    },
    tick(onChange: () => void): void {
      if (clock.monotonicMs() < dueMs) return
      dueMs = clock.monotonicMs() + ADDRESS_CHECK_MS
      const addresses = host.advertisedAddresses()
      const text = addresses.join(' ')
      if (text === known) return
      known = text
      events.emit('addressesChanged', { addresses })
      onChange()
    },
  }
}
