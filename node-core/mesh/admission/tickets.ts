import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { CertificateChain } from '../../security/chain.ts'
import { type Ticket, wipeTicket } from '../../security/ticket.ts'
import type { Membership } from '../membership/membership.ts'

/** A ticket with what it was given for. It holds for these two certificates and no others. */
export interface HeldTicket {
  readonly ticket: Ticket
  /** Hex SHA-256 over the chain that this node was admitted with. */
  readonly ownChainHash: string
  readonly peerChain: CertificateChain
  /** On the monotonic clock: setting the time back prolongs nothing. */
  readonly expiresAtMs: number
}

/**
 * The tickets of this node, in memory alone. Bounded per peer and in all; wiped when they expire, when a newer one of
 * the same peer has been used, when the peer is expelled, and on `stop`.
 */
export interface Tickets extends Lifecycle {
  /** The one to show to a peer: the newest. */
  offer(peer: PeerId): HeldTicket | undefined
  find(peer: PeerId, id: string): HeldTicket | undefined
  add(peer: PeerId, held: HeldTicket): void
  /**
   * A ticket has proved itself: those before it are over. It stays itself until its successor is used, because the other
   * end may never have got the answer, and because parallel connections may be showing it at this moment.
   */
  retireBefore(peer: PeerId, id: string): void
  /** The next `offer` to this peer gives none: the last one led to a refusal, so the next proof is the full one. */
  setAside(peer: PeerId): void
  forget(peer: PeerId): void
  size(): number
}

export interface TicketsDeps {
  readonly clock: Clock
  readonly membership: Pick<Membership, 'self' | 'events'>
}

/** More than a node has neighbours, with room for the far ends of routed connections. */
const MAX_PEERS = 256
/** The one in use, its successor, and as many again for connections that were dialled from both ends at once. */
const MAX_PER_PEER = 4

interface Entry {
  /** Oldest first. */
  readonly held: HeldTicket[]
  isSetAside: boolean
}

export const createTickets = (deps: TicketsDeps): Tickets => new TicketTable(deps)

class TicketTable implements Tickets {
  readonly #deps: TicketsDeps
  /** The peer whose tickets were touched longest ago comes first. */
  readonly #entries = new Map<PeerId, Entry>()
  #isOpen = false
  #stopListening = (): void => {}
  #cancelSweep: (() => void) | undefined

  constructor(deps: TicketsDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    if (this.#isOpen) return
    this.#isOpen = true
    const { membership } = this.#deps
    this.#stopListening = membership.events.on('expelled', ({ peer }) => {
      if (peer === membership.self) this.#forgetAll()
      else this.forget(peer)
    })
  }

  async stop(): Promise<void> {
    this.#isOpen = false
    this.#stopListening()
    this.#forgetAll()
  }

  offer(peer: PeerId): HeldTicket | undefined {
    const entry = this.#live(peer)
    if (entry === undefined) return undefined
    if (entry.isSetAside) {
      entry.isSetAside = false
      return undefined
    }
    return entry.held.at(-1)
  }

  find(peer: PeerId, id: string): HeldTicket | undefined {
    return this.#live(peer)?.held.find(({ ticket }) => ticket.id === id)
  }

  add(peer: PeerId, held: HeldTicket): void {
    if (!this.#isOpen || peer === this.#deps.membership.self || held.expiresAtMs <= this.#nowMs()) {
      wipeTicket(held.ticket)
      return
    }
    const entry = this.#live(peer) ?? { held: [], isSetAside: false }
    this.#entries.delete(peer)
    this.#entries.set(peer, entry)
    entry.held.push(held)
    entry.isSetAside = false
    if (entry.held.length > MAX_PER_PEER) drop(entry, 1)
    const [longestAgo] = this.#entries.keys()
    if (this.#entries.size > MAX_PEERS && longestAgo !== undefined) this.forget(longestAgo)
    this.#scheduleSweep()
  }

  retireBefore(peer: PeerId, id: string): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    const at = entry.held.findIndex(({ ticket }) => ticket.id === id)
    if (at > 0) drop(entry, at)
  }

  setAside(peer: PeerId): void {
    const entry = this.#entries.get(peer)
    if (entry !== undefined) entry.isSetAside = true
  }

  forget(peer: PeerId): void {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return
    drop(entry, entry.held.length)
    this.#entries.delete(peer)
  }

  size(): number {
    return [...this.#entries.values()].reduce((sum, { held }) => sum + held.length, 0)
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs()
  }

  /** What is left of a peer's tickets once the expired ones are wiped. */
  #live(peer: PeerId): Entry | undefined {
    const entry = this.#entries.get(peer)
    if (entry === undefined) return undefined
    const nowMs = this.#nowMs()
    for (let at = entry.held.length - 1; at >= 0; at -= 1) {
      const held = entry.held[at]
      if (held === undefined || held.expiresAtMs > nowMs) continue
      wipeTicket(held.ticket)
      entry.held.splice(at, 1)
    }
    if (entry.held.length > 0) return entry
    this.#entries.delete(peer)
    return undefined
  }

  /** A secret does not stay in memory because nobody asks for it any more. */
  #scheduleSweep(): void {
    if (this.#cancelSweep !== undefined) return
    let nextMs = Number.POSITIVE_INFINITY
    for (const { held } of this.#entries.values())
      for (const { expiresAtMs } of held) nextMs = Math.min(nextMs, expiresAtMs)
    if (nextMs === Number.POSITIVE_INFINITY) return
    this.#cancelSweep = this.#deps.clock.after(Math.max(MIN_SWEEP_MS, nextMs - this.#nowMs()), () => {
      this.#cancelSweep = undefined
      for (const peer of [...this.#entries.keys()]) this.#live(peer)
      this.#scheduleSweep()
    })
  }

  #forgetAll(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    for (const peer of [...this.#entries.keys()]) this.forget(peer)
  }
}

/** Expiries that lie close together are swept together. */
const MIN_SWEEP_MS = 1_000

function drop(entry: Entry, count: number): void {
  for (const { ticket } of entry.held.splice(0, count)) wipeTicket(ticket)
}
