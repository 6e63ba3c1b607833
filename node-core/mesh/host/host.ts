import { networkInterfaces } from 'node:os'
import type { Connection, PrivateKey, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import type { NoiseHfsParts } from '../../noise-hfs/noise-hfs.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { withTimeout } from '../../platform/wait.ts'
import type { Standing } from '../membership/events.ts'
import { advertisedAddresses, type InterfaceAddress } from './addresses.ts'
import { type CarrierUpgrades, createCarrierUpgrades, isRouted } from './carrier-upgrades.ts'
import { type ConnectionTable, createConnectionTable } from './connection-table.ts'
import {
  abortConnection,
  closeConnection,
  createHostConnection,
  type HostConnection,
} from './host-connection.ts'
import { hostFault } from './host-fault.ts'
import { boundAddresses, createLibp2pNode, DIAL_TIMEOUT_MS, type Libp2pNode } from './libp2p-node.ts'
import type { PeerStreams, StreamLimits } from './peer-streams.ts'
import { createSecuredCarriers, type SecuredCarriers } from './secured-carriers.ts'
import type { SendLine } from './send-line.ts'

const DEFAULT_MAX_STREAMS = 32
/** The other end limits what it accepts, and the muxer the sum of them. */
const UNLIMITED_OUTBOUND = Number.MAX_SAFE_INTEGER
const CLOSE_TIMEOUT_MS = 500

/** Who may be connected here. */
export interface StandingSource {
  standing(peer: PeerId): Standing
  readonly events: {
    on(
      event: 'expelled',
      listener: (expelled: { readonly peer: PeerId; readonly reason: string }) => void,
    ): () => void
  }
}

export interface HostDeps {
  readonly identity: { readonly peerId: PeerId; readonly libp2pKey: PrivateKey }
  /** From `createMeshNoise`, with the admission that decides who gets in. */
  readonly noise: Pick<NoiseHfsParts, 'encrypters' | 'gate'>
  readonly membership: StandingSource
  readonly clock: Clock
  readonly logger: Logger
  readonly interfaces?: () => readonly InterfaceAddress[]
}

export interface HostOptions {
  /** Multiaddr texts; port 0 lets the system choose. */
  readonly listen: readonly string[]
}

/** Direct, admitted connections of one node: one per peer. */
export interface Host extends Lifecycle, PeerStreams {
  readonly peerId: PeerId
  readonly connections: Pick<ConnectionTable, 'all' | 'of' | 'events'>
  /** What is bound, with the real ports: to be kept, so that the addresses in invites stay true. */
  listenAddresses(): readonly string[]
  /** Where others can reach this node, without its PeerId; follows the machine's interfaces. */
  advertisedAddresses(): readonly string[]
  /**
   * Dials addresses of one peer, in order, until one answers; or returns the connection there is.
   *
   * @throws FaultError DIAL_FAILED, TIMEOUT, ABORTED
   */
  dial(addresses: readonly string[], signal: AbortSignal): Promise<HostConnection>
  /**
   * The same, but makes a new connection beside the one there is, with keys of its own; the old one is closed once the
   * new one is in use.
   */
  redial(addresses: readonly string[], signal: AbortSignal): Promise<HostConnection>
  /** Resets the connection to a peer with all its streams. */
  drop(peer: PeerId, reason: string): void
  /** The same in good order: what was sent before still arrives. Never rejects. */
  release(peer: PeerId, reason: string): Promise<void>
  /** The turns of the connection that carries this stream. */
  lineOf(stream: Stream): SendLine | undefined
  /** For connections that run over others. They never appear among `connections` or `peers`. */
  readonly upgrades: CarrierUpgrades
}

export function createHost(deps: HostDeps, options: HostOptions): Host {
  const logger = deps.logger.child({ component: 'host' })
  const table = createConnectionTable({ self: deps.identity.peerId, logger })
  const carriers = createSecuredCarriers()
  const streams = createStreams(deps, table, logger, () => node)
  const upgrades = createCarrierUpgrades(carriers, () => node)
  const interfaces = deps.interfaces ?? systemInterfaces
  let node: Libp2pNode | undefined
  let bound: readonly string[] = []
  let stopListening = (): void => {}

  const running = (): Libp2pNode => {
    if (node === undefined) throw hostFault({ code: 'HOST_STOPPED' }, 'the host is not running')
    return node
  }
  // All of them: a duplicate may be open for a moment.
  const openTo = (peer: PeerId): readonly Connection[] =>
    (node?.getConnections() ?? []).filter(
      (connection) => connection.remotePeer.toString() === peer && !isRouted(connection),
    )
  const drop = (peer: PeerId, reason: string): void => {
    for (const connection of openTo(peer)) abortConnection(connection, reason)
  }
  const closeAll = async (connections: readonly Connection[], reason: string): Promise<void> => {
    const limit = AbortSignal.timeout(CLOSE_TIMEOUT_MS)
    await Promise.all(connections.map((connection) => closeConnection(connection, reason, limit)))
  }

  return {
    peerId: deps.identity.peerId,
    connections: table,
    ...streams.api,
    listenAddresses: () => bound,
    advertisedAddresses: () => advertisedAddresses(bound, interfaces()),
    drop,
    release: (peer, reason) => closeAll(openTo(peer), reason),
    lineOf: streams.lineOf,
    upgrades: upgrades.api,
    dial: (addresses, signal) => dial(deps.clock, running(), table, { addresses, isAnew: false }, signal),
    redial: (addresses, signal) => dial(deps.clock, running(), table, { addresses, isAnew: true }, signal),
    async start() {
      if (node !== undefined) return
      const created = await createLibp2pNode({
        clock: deps.clock,
        privateKey: deps.identity.libp2pKey,
        noise: deps.noise,
        listen: options.listen,
        wrapEncrypter: carriers.track,
      })
      followConnections(deps, created, table, carriers, logger)
      node = created
      try {
        // Before the first connection: a peer that asks for a protocol too early would be told that there is none.
        await streams.serveOn(created)
        await upgrades.serveOn(created)
        await created.start()
      } catch (error) {
        node = undefined
        throw hostFault(
          { code: 'LISTEN_FAILED', addresses: options.listen },
          `cannot listen on ${options.listen.join(', ')}`,
          error,
        )
      }
      bound = boundAddresses(created, options.listen)
      stopListening = deps.membership.events.on('expelled', ({ peer, reason }) => {
        logger.info('closing the connections of an expelled peer', { peer, reason })
        drop(peer, `the peer is ${reason}`)
      })
      logger.info('listening', { addresses: bound })
    },
    async stop() {
      const stopping = node
      if (stopping === undefined) return
      node = undefined
      stopListening()
      await closeAll(stopping.getConnections(), 'this node stops')
      await stopping.stop()
      bound = []
    },
  }
}

function followConnections(
  deps: HostDeps,
  node: Libp2pNode,
  table: ConnectionTable,
  carriers: SecuredCarriers,
  logger: Logger,
): void {
  node.addEventListener('connection:open', ({ detail: connection }) => {
    // Whoever upgraded its carrier keeps it.
    if (isRouted(connection)) return
    const peer = parsePeerId(connection.remotePeer.toString())
    const carrier = carriers.find(connection.timeline)
    if (peer === undefined || carrier === undefined) {
      abortConnection(connection, 'not one of our connections')
      return
    }
    const standing = deps.membership.standing(peer)
    if (standing !== 'member') {
      logger.warn('closing a connection of a peer that is no member', { peer, standing })
      abortConnection(connection, `the peer is ${standing}`)
      return
    }
    table.opened(createHostConnection(deps.clock, connection, carrier, peer))
  })
  node.addEventListener('connection:close', ({ detail: connection }) => table.closed(connection.id))
}

async function dial(
  clock: Clock,
  node: Libp2pNode,
  table: ConnectionTable,
  { addresses, isAnew }: { readonly addresses: readonly string[]; readonly isAnew: boolean },
  signal: AbortSignal,
): Promise<HostConnection> {
  const failed = (cause?: unknown) =>
    hostFault(
      { code: 'DIAL_FAILED', peer: undefined, addresses },
      `no connection through ${addresses.join(', ')}`,
      cause,
    )
  const connection = await withTimeout(
    clock,
    DIAL_TIMEOUT_MS,
    'a dial',
    async (limit) => {
      try {
        return await node.dial(
          addresses.map((address) => multiaddr(address)),
          { signal: limit, force: isAnew },
        )
      } catch (error) {
        throw failed(error)
      }
    },
    signal,
  )
  const peer = parsePeerId(connection.remotePeer.toString())
  const inUse = peer === undefined ? undefined : table.of(peer)
  if (inUse === undefined) throw failed()
  return inUse
}

interface Served {
  readonly handler: (stream: Stream, peer: PeerId) => void
  readonly maxStreams: number
}

function createStreams(
  deps: HostDeps,
  table: ConnectionTable,
  logger: Logger,
  current: () => Libp2pNode | undefined,
) {
  const owners = new WeakMap<Stream, HostConnection>()
  const protocols = new Map<string, Served>()

  const refuseUnlessMember = (connection: HostConnection): void => {
    const standing = deps.membership.standing(connection.peer)
    if (standing === 'member') return
    abortConnection(connection.libp2p, `the peer is ${standing}`)
    throw hostFault(
      { code: 'PEER_REFUSED', peer: connection.peer, standing },
      `${connection.peer} is ${standing}`,
    )
  }
  const accept = (stream: Stream, connection: Connection): HostConnection | undefined => {
    const peer = parsePeerId(connection.remotePeer.toString())
    const owner = peer === undefined ? undefined : table.of(peer)
    if (owner === undefined || owner.id !== connection.id) {
      stream.abort(new Error('the connection is not in use'))
      return undefined
    }
    try {
      refuseUnlessMember(owner)
    } catch {
      logger.warn('refused a stream of a peer that is no member', {
        peer: owner.peer,
        protocol: stream.protocol,
      })
      return undefined
    }
    owners.set(stream, owner)
    return owner
  }

  const open = async (peer: PeerId, protocol: string, signal: AbortSignal): Promise<Stream> => {
    const connection = table.of(peer)
    if (connection === undefined) {
      throw hostFault({ code: 'PEER_NOT_CONNECTED', peer }, `there is no connection to ${peer}`)
    }
    refuseUnlessMember(connection)
    const stream = await newStream(connection, protocol, signal)
    // The peer may have been expelled while the protocol was negotiated.
    refuseUnlessMember(connection)
    owners.set(stream, connection)
    return stream
  }

  const serve = (node: Libp2pNode, protocol: string, { handler, maxStreams }: Served): Promise<void> =>
    node.handle(
      protocol,
      (stream, connection) => {
        const owner = accept(stream, connection)
        if (owner !== undefined) handler(stream, owner.peer)
      },
      { maxInboundStreams: maxStreams, maxOutboundStreams: UNLIMITED_OUTBOUND },
    )

  const api: PeerStreams = {
    peers: () => table.all().map(({ peer }) => peer),
    onConnect: (callback) => table.events.on('connected', ({ peer }) => callback(peer)),
    onDisconnect: (callback) => table.events.on('disconnected', ({ peer }) => callback(peer)),
    open,
    async handle(protocol, handler, { maxStreams = DEFAULT_MAX_STREAMS }: StreamLimits = {}) {
      const served = { handler, maxStreams }
      protocols.set(protocol, served)
      const node = current()
      if (node !== undefined) await serve(node, protocol, served)
    },
    async unhandle(protocol) {
      protocols.delete(protocol)
      await current()?.unhandle(protocol)
    },
  }
  const serveOn = async (node: Libp2pNode): Promise<void> => {
    for (const [protocol, served] of protocols) await serve(node, protocol, served)
  }
  return { api, serveOn, lineOf: (stream: Stream) => owners.get(stream)?.line }
}

async function newStream(connection: HostConnection, protocol: string, signal: AbortSignal): Promise<Stream> {
  const { peer } = connection
  try {
    return await connection.libp2p.newStream([protocol], {
      signal,
      maxOutboundStreams: UNLIMITED_OUTBOUND,
    })
  } catch (error) {
    const isUnsupported = error instanceof Error && error.name === 'UnsupportedProtocolError'
    throw hostFault(
      { code: isUnsupported ? 'PROTOCOL_UNSUPPORTED' : 'STREAM_FAILED', peer, protocol },
      `cannot open ${protocol} to ${peer}`,
      error,
    )
  }
}

const systemInterfaces = (): readonly InterfaceAddress[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
