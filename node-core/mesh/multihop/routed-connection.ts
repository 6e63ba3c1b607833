import type { Connection, Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import { type CarrierUpgrades, routedProtocol } from '../host/carrier-upgrades.ts'
import { abortConnection, closeConnection } from '../host/host-connection.ts'
import { hostFault } from '../host/host-fault.ts'
import type { SendLine } from '../host/send-line.ts'
import type { Standing } from '../membership/events.ts'

/** An admitted connection to a member over other members, encrypted from end to end. */
export interface RoutedConnection {
  readonly id: string
  /** The far end, as its own handshake proves. */
  readonly peer: PeerId
  /** From the first hop to the far end. Both ends name the same nodes; the hops between are what those say of each other. */
  readonly path: readonly PeerId[]
  readonly direction: 'inbound' | 'outbound'
  /** Protocol id of the handshake between the two ends. */
  readonly suite: string
  /** Monotonic ms. */
  readonly openedAtMs: number
  readonly isOpen: boolean
  /** The turns of this connection, for whoever writes much on its streams. */
  readonly line: SendLine
  /**
   * @throws FaultError ROUTE_CLOSED, PEER_REFUSED, PROTOCOL_UNSUPPORTED, STREAM_FAILED
   */
  newStream(protocol: string, signal: AbortSignal): Promise<Stream>
  /** In good order: what was sent before still arrives, open streams are reset. Never rejects. */
  close(reason: string): Promise<void>
  /** At once. */
  abort(reason: string): void
  /** Calls back once, also when it is closed already. The returned function removes the callback. */
  onClosed(callback: (reason: Error | undefined) => void): () => void
}

export interface RoutedConnectionInit {
  readonly peer: PeerId
  readonly path: readonly PeerId[]
  readonly upgraded: Awaited<ReturnType<CarrierUpgrades['upgrade']>>
  readonly standing: (peer: PeerId) => Standing
}

const CLOSE_TIMEOUT_MS = 500

export function createRoutedConnection(clock: Clock, init: RoutedConnectionInit): RoutedConnection {
  const { peer, path, upgraded, standing } = init
  const { connection, line } = upgraded
  const refuseUnlessMember = (): void => {
    const current = standing(peer)
    if (current === 'member') return
    abortConnection(connection, `the peer is ${current}`)
    throw hostFault({ code: 'PEER_REFUSED', peer, standing: current }, `${peer} is ${current}`)
  }
  return {
    id: connection.id,
    ...{ peer, path, line },
    direction: connection.direction,
    suite: connection.encryption ?? '',
    openedAtMs: clock.monotonicMs(),
    get isOpen() {
      return connection.status === 'open'
    },
    async newStream(protocol, signal) {
      refuseUnlessMember()
      const stream = await openStream(connection, peer, protocol, signal)
      refuseUnlessMember()
      return stream
    },
    close: (reason) => closeConnection(connection, reason, AbortSignal.timeout(CLOSE_TIMEOUT_MS)),
    abort: (reason) => abortConnection(connection, reason),
    onClosed: (callback) => onClosed(connection, callback),
  }
}

async function openStream(
  connection: Connection,
  peer: PeerId,
  protocol: string,
  signal: AbortSignal,
): Promise<Stream> {
  try {
    return await connection.newStream([routedProtocol(protocol)], {
      signal,
      runOnLimitedConnection: true,
      maxOutboundStreams: Number.MAX_SAFE_INTEGER,
    })
  } catch (error) {
    const isUnsupported = error instanceof Error && error.name === 'UnsupportedProtocolError'
    throw hostFault(
      { code: isUnsupported ? 'PROTOCOL_UNSUPPORTED' : 'STREAM_FAILED', peer, protocol },
      `cannot open ${protocol} to ${peer} over a route`,
      error,
    )
  }
}

function onClosed(connection: Connection, callback: (reason: Error | undefined) => void): () => void {
  let isPending = true
  const tell = (reason: Error | undefined): void => {
    if (!isPending) return
    isPending = false
    callback(reason)
  }
  if (connection.status !== 'open') queueMicrotask(() => tell(undefined))
  else connection.addEventListener('close', ({ error }) => tell(error), { once: true })
  return () => {
    isPending = false
  }
}
