import type { Duplex } from 'node:stream'
import type { NodeName, PeerId, ServiceName } from '../domain/ids.ts'

/*
 * What services need from the rest of a node. Whoever composes the node fits the real things to it.
 */

/**
 * Carries byte streams between members. A flow is a `Duplex` with `allowHalfOpen`:
 * - `end()` ends one direction after everything written before it; the other direction stays open;
 * - `destroy(error)` resets both directions at once; the other end sees `error` then `close`, never `end`;
 * - a lost connection looks like a reset;
 * - `write()` honours the other end's reading: at most 16 MiB wait in either process, over all buffers;
 * - a flow lives for as long as both ends keep it, however idle.
 */
export interface FlowTransport {
  /** Opens a flow to a member. Rejects when the member cannot be reached, and when the signal aborts. */
  open(peer: PeerId, signal: AbortSignal): Promise<Duplex>
  /** Serves flows that members open. Called once. The handler owns each flow and does not throw. */
  handle(handler: (flow: Duplex, peer: PeerId) => void): Promise<void>
}

/** A member that announces a service, as its signed record says. What its role and labels allow, the policy gate knows. */
export interface Provider {
  readonly service: ServiceName
  readonly peer: PeerId
  readonly node: NodeName
  /** What the provider's own check says. */
  readonly healthy: boolean
  /** Whether a flow to it can be opened from here now. */
  readonly reachable: boolean
  /** Round trip to it, where known: the nearest provider is tried first. */
  readonly rttMs?: number | undefined
}

/** Who provides what, as far as this node has heard. */
export interface ProviderDirectory {
  readonly self: { readonly peer: PeerId; readonly node: NodeName }
  /** The announcements of the other members, reachable or not, healthy or not. */
  providers(): readonly Provider[]
  /** The member that a name or a peer id means now. */
  resolve(node: NodeName | PeerId): PeerId | undefined
}

/** What the policy says, with the name of the rule that decided; no rule means denied by default. */
export interface Verdict {
  readonly allow: boolean
  readonly rule?: string | undefined
}

/** Asked on every new flow, and again for open flows when a policy or a membership changes. */
export interface PolicyGate {
  /** Whether `peer` is a member in good standing now. */
  standing(peer: PeerId): 'member' | 'expired' | 'revoked' | 'quarantined' | 'unknown'
  /** Whether `peer` may use a service that this node provides. */
  mayUse(peer: PeerId, service: ServiceName): Verdict
  /** Whether `peer` (this node too) may provide a service, judged by its certificate. */
  mayProvide(peer: PeerId, service: ServiceName): Verdict
}

/** Tells the mesh what this node provides. */
export interface ServiceAnnouncer {
  /** The whole list, after each change. */
  publish(services: readonly AnnouncedService[]): void | Promise<void>
}

export interface AnnouncedService {
  readonly name: ServiceName
  readonly healthy: boolean
}

/** The TCP ports on which this node itself listens: mesh and control. Never the target of a service. */
export interface OwnPorts {
  ports(): readonly number[]
}

/** A service of this node, as kept. */
export interface ServiceRow {
  readonly name: ServiceName
  /** A host name or an IP address, without brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  /** `tcp` or `http:/path`; none when nothing is checked. */
  readonly check: string | undefined
}

/** A local port that leads to a service, as kept. The port is its key. */
export interface ForwardRow {
  /** The address it listens on. */
  readonly host: string
  /** 1 to 65535: a port chosen by the system is kept as chosen. */
  readonly port: number
  readonly service: ServiceName
  /** The only node that may provide it. */
  readonly node: NodeName | PeerId | undefined
}

/** What outlives a restart. Each call is complete when it returns, or throws and changes nothing. */
export interface ServiceStore {
  readonly services: {
    /** In order of names. */
    list(): readonly ServiceRow[]
    /** Adds it or replaces the one of the same name. */
    put(row: ServiceRow): void
    /** True when there was one. */
    remove(name: ServiceName): boolean
  }
  readonly forwards: {
    /** In order of ports. */
    list(): readonly ForwardRow[]
    /** Adds it or replaces the one on the same port. */
    put(row: ForwardRow): void
    /** True when there was one. */
    remove(port: number): boolean
  } /** Local ports that serve SOCKS5, all on the loopback. */
  readonly socks: {
    /** In order. */
    list(): readonly number[]
    /** Adds it; one that is there stays. */
    put(port: number): void
    /** True when it was there. */
    remove(port: number): boolean
  }
}
