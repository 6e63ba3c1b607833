import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'

/**
 * Streams to and from admitted neighbours, as the mesh's own protocols see them. A peer appears here only after its
 * admission; its standing is looked up again for each new stream, in both directions.
 */
export interface PeerStreams {
  /** Peers with an open connection. */
  peers(): readonly PeerId[]
  /**
   * Calls back for every connection that becomes the one in use for its peer. When a duplicate takes over, the
   * disconnect of the old one is told first. The returned function removes the callback.
   */
  onConnect(callback: (peer: PeerId) => void): () => void
  onDisconnect(callback: (peer: PeerId) => void): () => void
  /**
   * Opens a stream on the connection to a peer. Never dials.
   *
   * @throws FaultError PEER_NOT_CONNECTED, PEER_REFUSED, PROTOCOL_UNSUPPORTED, STREAM_FAILED
   */
  open(peer: PeerId, protocol: string, signal: AbortSignal): Promise<Stream>
  /** Serves a protocol, from the start on if called before it. The handler owns the stream: it closes or aborts it, and does not throw. */
  handle(
    protocol: string,
    handler: (stream: Stream, peer: PeerId) => void,
    options?: StreamLimits,
  ): Promise<void>
  unhandle(protocol: string): Promise<void>
}

export interface StreamLimits {
  /** Streams of this protocol that one peer may have open towards this node; what is above is reset. Default 32. */
  readonly maxStreams?: number
}
