import type { PeerId } from '../../domain/ids.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import type { Logger } from '../../platform/logger.ts'
import { connectionToKeep } from './duplicate-connections.ts'
import { abortConnection, type HostConnection } from './host-connection.ts'

export interface ConnectionEvents {
  /** This connection is now the one in use for its peer. */
  connected: HostConnection
  /** This connection, the one in use until now, is closed or replaced. */
  disconnected: HostConnection
}

/** The one connection in use per peer. */
export interface ConnectionTable {
  readonly events: Emitter<ConnectionEvents>
  all(): readonly HostConnection[]
  of(peer: PeerId): HostConnection | undefined
  opened(connection: HostConnection): void
  closed(id: string): void
}

export function createConnectionTable(deps: { self: PeerId; logger: Logger }): ConnectionTable {
  const byPeer = new Map<PeerId, HostConnection>()
  const events = createEmitter<ConnectionEvents>((error) =>
    deps.logger.error('a listener of connection events failed', { error }),
  )

  const discard = (connection: HostConnection): void => {
    deps.logger.debug('closing a duplicate connection', {
      peer: connection.peer,
      direction: connection.direction,
      address: connection.address,
    })
    abortConnection(connection.libp2p, 'a duplicate connection to this peer is kept')
  }
  const remove = (connection: HostConnection): void => {
    if (byPeer.get(connection.peer)?.id !== connection.id) return
    byPeer.delete(connection.peer)
    events.emit('disconnected', connection)
  }

  return {
    events,
    all: () => [...byPeer.values()],
    of: (peer) => byPeer.get(peer),
    opened(connection) {
      const current = byPeer.get(connection.peer)
      if (current !== undefined) {
        if (connectionToKeep(deps.self, connection.peer, current, connection) === current) {
          discard(connection)
          return
        }
        remove(current)
        discard(current)
      }
      byPeer.set(connection.peer, connection)
      events.emit('connected', connection)
    },
    closed(id) {
      const connection = [...byPeer.values()].find((candidate) => candidate.id === id)
      if (connection !== undefined) remove(connection)
    },
  }
}
