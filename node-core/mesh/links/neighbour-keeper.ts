import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import type { Host } from '../host/host.ts'
import type { HostConnection } from '../host/host-connection.ts'
import { hostFault } from '../host/host-fault.ts'
import {
  type CandidateBook,
  createCandidateBook,
  type FoundAddresses,
  type LinkMembership,
  type ReachedAddresses,
  rotate,
} from './candidate-book.ts'
import type { LinkTable } from './link-table.ts'
import { surplusLinks, wantedPeers } from './neighbour-plan.ts'
import { createRedialer, type Redialer } from './redialer.ts'

export interface NeighbourKeeperDeps {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly host: Host
  readonly membership: LinkMembership
  readonly table: LinkTable
  readonly reached?: ReachedAddresses
  readonly found?: FoundAddresses
}

export interface NeighbourKeeperOptions {
  readonly min?: number
  readonly max?: number
  readonly peers?: readonly string[]
}

/** Keeps this node linked: decides whom it wants as neighbours, and dials them for ever. */
export interface NeighbourKeeper {
  start(): void
  stop(): void
  tick(): void
  wanted(): readonly PeerId[]
  retrySoon(): void
  /**
   * Dials a peer now, however long ago or often it failed; beside the connection there is, if so asked.
   *
   * @throws FaultError NO_ADDRESS, DIAL_FAILED, TIMEOUT, ABORTED
   */
  dialNow(peer: PeerId, isAnew: boolean, signal: AbortSignal): Promise<HostConnection>
}

const DEFAULT_LIMITS = { min: 3, max: 8 }
/** The plan is made anew when something changes, and this often because failures and refusals age. */
const PLAN_AGE_MS = 2_000

export function createNeighbourKeeper(
  deps: NeighbourKeeperDeps,
  options: NeighbourKeeperOptions,
): NeighbourKeeper {
  const { host, clock, table } = deps
  const limits = { min: options.min ?? DEFAULT_LIMITS.min, max: options.max ?? DEFAULT_LIMITS.max }
  const book = createCandidateBook(host.peerId, deps.membership, deps, options.peers ?? [])
  const dialler = createDialler(deps, book, () => redialer)
  const redialer: Redialer = createRedialer({
    ...{ ...deps, self: host.peerId, dial: dialler.dial, onDue: () => dialMissing() },
    hasOwnWay: (target) => book.hasOwnWay(target),
  })
  const dialMissing = (): void =>
    redialer.run([...wanted, ...book.anonymous], (target) => dialler.isLinked(target))
  let wanted: readonly PeerId[] = []
  let planDueMs = 0
  const offs: (() => void)[] = []

  const plan = (): void => {
    planDueMs = clock.monotonicMs() + PLAN_AGE_MS
    const candidates = book.peers().map((peer) => ({
      peer,
      addresses: book.addressesOf(peer),
      isPinned: book.isPinned(peer),
      failures: redialer.failuresOf(peer),
      isDeclined: redialer.isDeclined(peer),
    }))
    wanted = wantedPeers(host.peerId, candidates, limits)
    for (const peer of surplusLinks(host.peerId, table.linked(), wanted, limits)) table.giveUp(peer)
  }

  return {
    wanted: () => wanted,
    retrySoon: () => redialer.retrySoon(),
    dialNow: (peer, isAnew, signal) => dialler.dialNow(peer, isAnew, signal),
    start() {
      // It may have moved. Whether it did is cheaper to try than to find out.
      const tryAgain = (peer: PeerId): void => {
        if (!table.linked().includes(peer)) redialer.retrySoon(peer)
        planDueMs = 0
      }
      offs.push(deps.membership.events.on('memberChanged', ({ peer }) => tryAgain(peer)))
      if (deps.found !== undefined) offs.push(deps.found.onFound(tryAgain))
      table.onEnded(({ peer, lastedMs, declined }) => {
        redialer.linkEnded(peer, lastedMs)
        if (declined) redialer.declined(peer)
        planDueMs = 0
      })
      // The first links are what everything else waits for.
      plan()
      dialMissing()
    },
    stop() {
      for (const off of offs.splice(0)) off()
      redialer.stop()
    },
    tick() {
      if (clock.monotonicMs() >= planDueMs) plan()
      dialMissing()
    },
  }
}

function createDialler(deps: NeighbourKeeperDeps, book: CandidateBook, redialer: () => Redialer) {
  const { host, clock } = deps
  /** Whose the addresses are that a person named without a peer. */
  const owners = new Map<string, PeerId>()
  return {
    isLinked(target: string): boolean {
      const peer = owners.get(target) ?? parsePeerId(target)
      return peer !== undefined && host.connections.of(peer) !== undefined
    },
    async dialNow(peer: PeerId, isAnew: boolean, signal: AbortSignal): Promise<HostConnection> {
      const addresses = rotate(book.addressesOf(peer), redialer().failuresOf(peer))
      if (addresses.length === 0) {
        throw hostFault({ code: 'NO_ADDRESS', peer }, `no address of ${peer} is known here`)
      }
      const connection = await (isAnew ? host.redial(addresses, signal) : host.dial(addresses, signal))
      if (connection.direction === 'outbound') deps.reached?.remember(peer, connection.address, clock.now())
      return connection
    },
    async dial(target: string, signal: AbortSignal): Promise<void> {
      const peer = parsePeerId(target)
      const addresses =
        peer === undefined ? [target] : rotate(book.addressesOf(peer), redialer().failuresOf(target))
      const connection = await host.dial(addresses, signal)
      if (peer === undefined) owners.set(target, connection.peer)
      // Of an inbound connection the address is only the other end's socket, where nobody listens.
      if (connection.direction === 'outbound') {
        deps.reached?.remember(connection.peer, connection.address, clock.now())
      }
    },
  }
}
