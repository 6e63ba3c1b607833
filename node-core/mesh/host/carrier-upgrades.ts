import type { Connection, ConnectionLimits, MultiaddrConnection, Stream } from '@libp2p/interface'
import { hostFault } from './host-fault.ts'
import type { Libp2pNode } from './libp2p-node.ts'
import type { SecuredCarriers } from './secured-carriers.ts'
import { createSendLine, type SendLine } from './send-line.ts'

/**
 * Marks a connection that runs over other connections. With limits on it no part of libp2p uses it that does not ask
 * for such connections, dials are never answered with it, and the host does not take it for a direct one.
 */
const ROUTED_LIMITS: ConnectionLimits = {}

/** Our own flag: libp2p's `connection.direct` looks at the address alone. */
export const isRouted = (connection: Pick<Connection, 'limits'>): boolean => connection.limits !== undefined

export interface UpgradedCarrier {
  readonly connection: Connection
  /** The turns of this connection. */
  readonly line: SendLine
}

/** Makes admitted, encrypted, muxed connections of byte streams that are no sockets, and serves protocols on them. */
export interface CarrierUpgrades {
  /**
   * Runs the handshake, the admission and the muxer over a carrier; `direction` says which end this is.
   *
   * @throws FaultError HOST_STOPPED; whatever the upgrade fails with, after which the carrier is aborted
   */
  upgrade(
    carrier: MultiaddrConnection,
    direction: 'inbound' | 'outbound',
    signal: AbortSignal,
  ): Promise<UpgradedCarrier>
  /**
   * Serves a protocol on such connections alone, under a name of its own, from the start on if called before it. The
   * `timeline` is the carrier's.
   */
  handle(
    protocol: string,
    handler: (stream: Stream, timeline: object) => void,
    maxStreams: number,
  ): Promise<void>
  unhandle(protocol: string): Promise<void>
}

/** What a protocol is called on connections over other connections, so that neither kind reaches the other's handler. */
export const routedProtocol = (protocol: string): string => `${protocol}/routed`

interface Served {
  readonly handler: (stream: Stream, timeline: object) => void
  readonly maxStreams: number
}

export function createCarrierUpgrades(
  carriers: SecuredCarriers,
  current: () => Libp2pNode | undefined,
): { readonly api: CarrierUpgrades; serveOn(node: Libp2pNode): Promise<void> } {
  const protocols = new Map<string, Served>()

  const api: CarrierUpgrades = {
    async upgrade(carrier, direction, signal) {
      const node = current()
      if (node === undefined) throw hostFault({ code: 'HOST_STOPPED' }, 'the host is not running')
      try {
        const connection = await upgradeOn(node, carrier, direction, signal)
        const secured = carriers.find(carrier.timeline)
        if (secured === undefined) throw new Error('the carrier was not secured by our handshake')
        return { connection, line: createSendLine(secured.secured) }
      } catch (error) {
        carrier.abort(error instanceof Error ? error : new Error(String(error)))
        throw error
      }
    },
    async handle(protocol, handler, maxStreams) {
      const served = { handler, maxStreams }
      protocols.set(protocol, served)
      const node = current()
      if (node !== undefined) await serve(node, protocol, served)
    },
    async unhandle(protocol) {
      protocols.delete(protocol)
      await current()?.unhandle(routedProtocol(protocol))
    },
  }
  return {
    api,
    async serveOn(node) {
      for (const [protocol, served] of protocols) await serve(node, protocol, served)
    },
  }
}

async function upgradeOn(
  node: Libp2pNode,
  carrier: MultiaddrConnection,
  direction: 'inbound' | 'outbound',
  signal: AbortSignal,
): Promise<Connection> {
  const { upgrader } = node.services.upgrading
  const options = { limits: ROUTED_LIMITS, signal }
  if (direction === 'outbound') return await upgrader.upgradeOutbound(carrier, options)
  // The upgrader gives the connection of an inbound upgrade to the listeners of this event alone.
  let opened: Connection | undefined
  const onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    if (connection.timeline === carrier.timeline) opened = connection
  }
  node.addEventListener('connection:open', onOpen)
  try {
    await upgrader.upgradeInbound(carrier, options)
  } finally {
    node.removeEventListener('connection:open', onOpen)
  }
  if (opened === undefined) throw new Error('the upgrade gave no connection')
  return opened
}

async function serve(node: Libp2pNode, protocol: string, { handler, maxStreams }: Served): Promise<void> {
  await node.handle(
    routedProtocol(protocol),
    (stream, connection) => {
      if (isRouted(connection)) handler(stream, connection.timeline)
      else stream.abort(new Error('this protocol is not served on direct connections'))
    },
    {
      maxInboundStreams: maxStreams,
      maxOutboundStreams: Number.MAX_SAFE_INTEGER,
      runOnLimitedConnection: true,
    },
  )
}
