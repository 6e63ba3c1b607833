import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Carrier } from './secured-carriers.ts'
import { createSendLine, type SendLine } from './send-line.ts'

/** An admitted direct connection to a peer. */
export interface HostConnection {
  readonly id: string
  readonly peer: PeerId
  readonly direction: 'inbound' | 'outbound'
  /** Protocol id of the handshake that secured it, e.g. `/x0t/noise-hfs/1/aesgcm`. */
  readonly suite: string
  /** Multiaddr text of the other end, without its PeerId. */
  readonly address: string
  /** Monotonic ms. */
  readonly openedAtMs: number
  /** Authenticated bytes received so far, with the muxer's headers. */
  receivedBytes(): number
  /** Monotonic ms of the last authenticated bytes received: proof that the peer lived. */
  lastReceivedMs(): number
  /** Bytes under the muxer that wait to be written to the socket, besides what Node's socket itself buffers. */
  unsentBytes(): number
  readonly line: SendLine
  readonly libp2p: Connection
}

export function createHostConnection(
  clock: Clock,
  connection: Connection,
  { secured, raw }: Carrier,
  peer: PeerId,
): HostConnection {
  let receivedBytes = 0
  let lastReceivedMs = clock.monotonicMs()
  secured.watchReceived((bytes) => {
    receivedBytes += bytes
    lastReceivedMs = clock.monotonicMs()
  })
  return {
    id: connection.id,
    peer,
    direction: connection.direction,
    suite: connection.encryption ?? '',
    address: connection.remoteAddr.toString().replace(/\/p2p\/[^/]+$/, ''),
    openedAtMs: lastReceivedMs,
    receivedBytes: () => receivedBytes,
    lastReceivedMs: () => lastReceivedMs,
    unsentBytes: () => secured.writeBufferLength + raw.writeBufferLength,
    line: createSendLine(secured),
    libp2p: connection,
  }
}

/** Resets every stream and the connection, at once: for peers that are dead, expelled or duplicate. */
export function abortConnection(connection: Connection, reason: string): void {
  connection.abort(new Error(reason))
}

/**
 * Says goodbye: resets what streams are open, tells the muxer at the other end, then closes the socket. A plain
 * `close()` of libp2p would half-close the streams, and a transfer cut short would look complete to its reader.
 */
export async function closeConnection(
  connection: Connection,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  for (const stream of [...connection.streams]) stream.abort(new Error(reason))
  try {
    await connection.close({ signal })
  } catch {
    // It did not close in time, or was closed by the other end meanwhile.
    abortConnection(connection, reason)
  }
}
