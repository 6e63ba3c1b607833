import type { ConnectionEncrypter, Libp2p, Listener, PrivateKey, Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { GATED_CONNECTION_MANAGER } from '../../noise-hfs/inbound-gate.ts'
import type { EncrypterFactory, NoiseHfsParts } from '../../noise-hfs/noise-hfs.ts'
import type { Clock } from '../../platform/clock.ts'
import { createMuxers } from '../mux/muxer.ts'
import { SOCKET_BUFFER_BYTES } from './socket-shortcut.ts'

/** Ids of our own handshake start with this; anything else, the stock `/noise` above all, is never offered. */
const OWN_HANDSHAKE = '/x0t/'

const MAX_CONNECTIONS = 512
const MAX_STREAMS_PER_CONNECTION = 1_024
/**
 * Streams that may arrive before the upgrade is done at this end. The other end is done earlier, and libp2p's 10 close
 * the connection of a node that starts with a burst.
 */
const MAX_EARLY_STREAMS = 512
/** With admission a handshake takes 2.5 round trips and its parts 3 s at most each. */
const INBOUND_UPGRADE_TIMEOUT_MS = 8_000
const ADDRESS_DIAL_TIMEOUT_MS = 5_000
export const DIAL_TIMEOUT_MS = 12_000
const PROTOCOL_NEGOTIATION_TIMEOUT_MS = 5_000

const MUXER_LIMITS = {
  maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
  maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
  maxEarlyStreams: MAX_EARLY_STREAMS,
}

/** Go on to `net.connect` and `net.createServer`. */
const SOCKET_OPTIONS = { noDelay: true, highWaterMark: SOCKET_BUFFER_BYTES }

export type Libp2pNode = Libp2p<{ listeners: ListenerSource; upgrading: UpgraderSource }>

interface UpgraderSource {
  readonly upgrader: Upgrader
}

interface ListenerSource {
  /** In the order of the listen addresses. */
  all(): readonly Listener[]
}

export interface Libp2pNodeOptions {
  readonly clock: Clock
  readonly privateKey: PrivateKey
  /** Our own handshakes with their gate, which bounds what is not admitted yet. */
  readonly noise: Pick<NoiseHfsParts, 'encrypters' | 'gate'>
  readonly listen: readonly string[]
  readonly wrapEncrypter: (encrypter: ConnectionEncrypter) => ConnectionEncrypter
}

/** libp2p over TCP with our handshakes alone, and without the parts of it that the links replace. Not started yet. */
export function createLibp2pNode(options: Libp2pNodeOptions): Promise<Libp2pNode> {
  return createLibp2p({
    start: false,
    privateKey: options.privateKey,
    addresses: { listen: [...options.listen] },
    transports: [tcp({ dialOpts: SOCKET_OPTIONS, listenOpts: SOCKET_OPTIONS })],
    connectionEncrypters: options.noise.encrypters.map(
      (factory) => (components: Parameters<EncrypterFactory>[0]) =>
        options.wrapEncrypter(ownEncrypter(factory(components))),
    ),
    streamMuxers: [() => createMuxers(options.clock, MUXER_LIMITS)],
    connectionGater: { ...options.noise.gate.connectionGater },
    connectionManager: {
      maxConnections: MAX_CONNECTIONS,
      ...GATED_CONNECTION_MANAGER,
      inboundUpgradeTimeout: INBOUND_UPGRADE_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: PROTOCOL_NEGOTIATION_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: PROTOCOL_NEGOTIATION_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      // Whoever dials has put the most promising address first.
      addressSorter: () => 0,
      reconnectRetries: 0,
    },
    // The links see a silent peer in a fraction of the time, and redial for ever.
    connectionMonitor: { enabled: false },
    services: {
      listeners: (components): ListenerSource => ({
        all: () => components.transportManager.getListeners(),
      }),
      upgrading: ({ upgrader }): UpgraderSource => ({ upgrader }),
    },
  })
}

function ownEncrypter(encrypter: ConnectionEncrypter): ConnectionEncrypter {
  if (encrypter.protocol.startsWith(OWN_HANDSHAKE)) return encrypter
  throw new TypeError(`the mesh never offers ${encrypter.protocol}`)
}

/** The addresses as configured, each with the port that it was really given. */
export function boundAddresses(node: Libp2pNode, listen: readonly string[]): readonly string[] {
  const listeners = node.services.listeners.all()
  return listen.flatMap((address, index) => {
    const bound = listeners[index]?.getAddrs()[0]?.toString()
    const port = bound === undefined ? undefined : /\/tcp\/(\d+)/.exec(bound)?.[1]
    return port === undefined ? [] : [address.replace(/\/tcp\/\d+/, `/tcp/${port}`)]
  })
}
