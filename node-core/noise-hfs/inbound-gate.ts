import type { ConnectionGater, MessageStream } from '@libp2p/interface'
import type { Clock } from '../platform/clock.ts'
import type { HandshakeEvents } from './events.ts'
import { handshakeError } from './faults.ts'

export interface InboundGateOptions {
  /** Sockets that have not yet named a protocol. */
  readonly maxSilent?: number
  readonly maxSilentPerAddress?: number
  /** Handshakes under way. */
  readonly maxHandshakes?: number
  readonly maxHandshakesPerAddress?: number
  /** A socket that names no protocol within this time is closed. */
  readonly silentTimeoutMs?: number
}

export interface InboundGateDeps {
  readonly clock: Clock
  readonly onShed: (event: HandshakeEvents['shed']) => void
}

/**
 * Bounds what strangers can hold: unfinished inbound connections, in total and per remote address. A newcomer is never
 * turned away; when there is no room, the oldest one from the most crowded address makes room for it. An honest peer
 * is through in milliseconds, so a flood has to bring hundreds of connections within one handshake to push it out,
 * and a flood from other addresses cannot push it out at all before theirs are down to its share.
 *
 * Silent sockets and handshakes are bounded apart: sockets that say nothing compete among themselves, so that holding
 * them costs those nothing who speak.
 */
export interface InboundGate {
  /** For libp2p's `connectionGater`: counts a socket from the moment it is accepted. */
  readonly connectionGater: Required<Pick<ConnectionGater, 'denyInboundConnection'>>
  readonly silent: number
  readonly handshakes: number
  /** The connection has reached an encrypter. The returned function says that its handshake is over. */
  enter(connection: MessageStream): () => void
}

/**
 * What libp2p's connection manager must be told so that the gate decides. Its own defaults let ten silent sockets, or
 * five connections a second from one address, shut everybody out.
 */
export const GATED_CONNECTION_MANAGER = {
  maxIncomingPendingConnections: Number.POSITIVE_INFINITY,
  inboundConnectionThreshold: Number.POSITIVE_INFINITY,
} as const

const DEFAULTS = {
  maxSilent: 512,
  maxSilentPerAddress: 256,
  maxHandshakes: 256,
  maxHandshakesPerAddress: 64,
  silentTimeoutMs: 3_000,
} as const

interface Entry {
  readonly connection: MessageStream
  readonly group: string
  readonly sinceMs: number
}

/** Unfinished connections in the order in which they came, with a bound in total and per group. */
class Pool {
  readonly #entries = new Map<MessageStream, Entry>()
  readonly #groups = new Map<string, Set<Entry>>()
  readonly #max: number
  readonly #maxPerGroup: number

  constructor(max: number, maxPerGroup: number) {
    this.#max = max
    this.#maxPerGroup = maxPerGroup
  }

  get size(): number {
    return this.#entries.size
  }

  has(connection: MessageStream): boolean {
    return this.#entries.has(connection)
  }

  /** Adds an entry; gives back the one that has to go for it. */
  add(entry: Entry): Entry | undefined {
    const group = this.#groups.get(entry.group)
    let victim: Entry | undefined
    if (group !== undefined && group.size >= this.#maxPerGroup) victim = oldest(group)
    else if (this.#entries.size >= this.#max) victim = oldest(this.#largestGroup())
    if (victim !== undefined) this.remove(victim.connection)
    this.#entries.set(entry.connection, entry)
    const home = this.#groups.get(entry.group) ?? new Set()
    this.#groups.set(entry.group, home)
    home.add(entry)
    return victim
  }

  remove(connection: MessageStream): Entry | undefined {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return undefined
    this.#entries.delete(connection)
    const group = this.#groups.get(entry.group)
    group?.delete(entry)
    if (group?.size === 0) this.#groups.delete(entry.group)
    return entry
  }

  #largestGroup(): ReadonlySet<Entry> {
    let largest: ReadonlySet<Entry> = new Set()
    for (const group of this.#groups.values()) if (group.size > largest.size) largest = group
    return largest
  }
}

function oldest(group: ReadonlySet<Entry>): Entry | undefined {
  const [first] = group
  return first
}

export function createInboundGate(deps: InboundGateDeps, options: InboundGateOptions = {}): InboundGate {
  const limits = { ...DEFAULTS, ...options }
  const silent = new Pool(limits.maxSilent, limits.maxSilentPerAddress)
  const handshakes = new Pool(limits.maxHandshakes, limits.maxHandshakesPerAddress)

  const shed = (entry: Entry, why: 'room' | 'silent'): void => {
    deps.onShed({
      remoteAddress: remoteAddressOf(entry.connection),
      why,
      ageMs: deps.clock.monotonicMs() - entry.sinceMs,
    })
    entry.connection.abort(handshakeError({ code: 'SHED' }))
  }
  const admit = (pool: Pool, connection: MessageStream): void => {
    const group = groupOf(remoteAddressOf(connection))
    const victim = pool.add({ connection, group, sinceMs: deps.clock.monotonicMs() })
    if (victim !== undefined) shed(victim, 'room')
  }

  return {
    get silent() {
      return silent.size
    },
    get handshakes() {
      return handshakes.size
    },
    connectionGater: {
      denyInboundConnection(connection) {
        admit(silent, connection)
        const cancel = deps.clock.after(limits.silentTimeoutMs, () => {
          const entry = silent.remove(connection)
          if (entry !== undefined) shed(entry, 'silent')
        })
        connection.addEventListener('close', () => {
          cancel()
          silent.remove(connection)
        })
        return false
      },
    },
    enter(connection) {
      silent.remove(connection)
      admit(handshakes, connection)
      const leave = (): void => {
        connection.removeEventListener('close', leave)
        handshakes.remove(connection)
      }
      connection.addEventListener('close', leave)
      return leave
    },
  }
}

/** The multiaddr text of a raw connection; streams that are no sockets have none. */
export function remoteAddressOf(connection: MessageStream): string {
  return 'remoteAddr' in connection ? String(connection.remoteAddr) : 'unknown'
}

/** Who shares one allowance: an IPv4 address, or the 64-bit network that one IPv6 subscriber owns. */
function groupOf(address: string): string {
  const [, family, host = ''] = address.split('/')
  if (family !== 'ip6') return `${family}/${host}`
  const [head = '', tail] = host.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length
  const full = [...groups, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...after]
  return `ip6/${full
    .slice(0, 4)
    .map((part) => Number.parseInt(part, 16) || 0)
    .join(':')}`
}
