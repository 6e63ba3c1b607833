import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Random } from '../../platform/random.ts'
import { createFlood, type FloodSync, type FloodTimes } from '../flood/flood.ts'
import type { PeerStreams } from '../host/peer-streams.ts'
import type { Membership } from './membership.ts'
import { ITEM_KINDS, nameOf } from './replica.ts'

export interface SyncDeps {
  readonly streams: PeerStreams
  readonly membership: Membership
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** A neighbour holds exactly what this node holds. */
  readonly onSame?: (peer: PeerId) => void
}

export const SYNC_PROTOCOL = '/x0t/sync/1'

/** Keeps what the mesh agrees on the same everywhere: certificates, revocations, the policy and node records. */
export function createSync({ membership, ...deps }: SyncDeps, options: FloodTimes = {}): FloodSync {
  return createFlood(
    {
      ...deps,
      replica: membership.replica,
      onNews: (listener) =>
        membership.events.on('news', (news) => {
          const own = news.kind === 'record' && news.peer === membership.self
          listener({ kind: news.kind, name: nameOf(news), own })
        }),
      noteMisbehaviour: membership.noteMisbehaviour,
    },
    { ...options, protocol: SYNC_PROTOCOL, component: 'sync', kinds: ITEM_KINDS },
  )
}
