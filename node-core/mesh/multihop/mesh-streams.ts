import type { PeerId } from '../../domain/ids.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { CarrierDialer, SessionPaths } from '../sessions/ports.ts'

export interface MeshStreamsDeps {
  /** Of the neighbours. */
  readonly neighbours: PeerStreams
  readonly carriers: CarrierDialer
  readonly paths: SessionPaths
  /** The other members, reachable or not. */
  readonly members: () => readonly PeerId[]
}

/**
 * Streams to every member that some path leads to, for protocols that do not care how far away the other end is, such
 * as the renewal of certificates. A member appears when its first path does.
 */
export function createMeshStreams(deps: MeshStreamsDeps): PeerStreams {
  const { neighbours, carriers, paths } = deps
  const isReached = (peer: PeerId): boolean => paths.pathsTo(peer).length > 0
  return {
    peers: () => deps.members().filter(isReached),
    onConnect: (callback) => onReached(deps, isReached, callback, undefined),
    onDisconnect: (callback) => onReached(deps, isReached, undefined, callback),
    async open(peer, protocol, signal) {
      const [best] = paths.pathsTo(peer)
      // A link that routing has not heard of yet is a path all the same.
      if (best === undefined || best.length === 1) return neighbours.open(peer, protocol, signal)
      return carriers.open(best, protocol, signal)
    },
    handle: (protocol, handler, options) => carriers.handle(protocol, handler, options),
    unhandle: (protocol) => carriers.unhandle(protocol),
  }
}

type Callback = (peer: PeerId) => void

function onReached(
  { paths, members }: MeshStreamsDeps,
  isReached: (peer: PeerId) => boolean,
  onGained: Callback | undefined,
  onLost: Callback | undefined,
): () => void {
  let reached = new Set(members().filter(isReached))
  return paths.onChange(() => {
    const before = reached
    reached = new Set(members().filter(isReached))
    for (const peer of reached) if (!before.has(peer)) onGained?.(peer)
    for (const peer of before) if (!reached.has(peer)) onLost?.(peer)
  })
}
