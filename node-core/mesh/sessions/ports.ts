import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../../domain/ids.ts'
import type { SendLine } from '../host/send-line.ts'

/*
 * What sessions need from the mesh around them. Whoever composes the node fits the real things to it.
 */

/** The peers from the first hop to the target, which is the last one. `[peer]` is the direct link. */
export type Path = readonly PeerId[]

/** Which ways lead to a member now. */
export interface SessionPaths {
  /** Cheapest first; no two of them share a peer on the way. Empty when the member cannot be reached. */
  pathsTo(peer: PeerId): readonly Path[]
  /** Calls back whenever some answer of `pathsTo` may have changed. The returned function removes the callback. */
  onChange(callback: () => void): () => void
}

/** Opens and accepts streams along paths, direct or through other nodes, always encrypted up to the member itself. */
export interface CarrierDialer {
  /** Rejects when no stream can be had on this very path, and when the signal aborts. */
  open(path: Path, protocol: string, signal: AbortSignal): Promise<Stream>
  /** Serves a protocol. `path` leads back to the peer; on the way through others it is what the route says of itself. */
  handle(
    protocol: string,
    handler: (stream: Stream, peer: PeerId, info: { readonly path: Path }) => void,
    options?: { readonly maxStreams?: number },
  ): Promise<void>
  unhandle(protocol: string): Promise<void>
  /** The turns of the connection that carries the stream; none where nothing else shares that connection. */
  lineOf(stream: Stream): SendLine | undefined
}

/** Asked for every hello, so that a resume cannot outlive the right to be here. */
export interface SessionGate {
  /** Whether `peer` is a member in good standing that may have sessions with this node. */
  admits(peer: PeerId): boolean
}
