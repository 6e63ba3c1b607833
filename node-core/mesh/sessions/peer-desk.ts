import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Account, Ledger } from './ledger.ts'
import type { Session } from './session-contract.ts'
import type { SessionId } from './session-view.ts'
import { createTokenBucket, type TokenBucket } from './token-bucket.ts'
import { createTombstones, type Tombstones } from './tombstones.ts'

/** What one peer may do to this node; nothing of it is shared with other peers. */
export interface PeerLimits {
  /** Sessions in each direction. */
  readonly sessions: number
  /** Hellos that are not complete yet. */
  readonly pendingHellos: number
  readonly hellos: { readonly burst: number; readonly perSecond: number }
}

/** All that this node holds of one peer's sessions. */
export interface PeerDesk {
  readonly peer: PeerId
  readonly sending: Account
  readonly receiving: Account
  readonly hellos: TokenBucket
  pendingHellos: number
  add(session: Session): void
  remove(session: Session, outcome: 'finished' | 'gone'): void
  /** A session that lives, how one of that id has ended, or `unused`. */
  find(id: Omit<SessionId, 'peer'>): Session | 'finished' | 'gone' | 'unused'
  count(openedBy: SessionId['openedBy']): number
  all(): readonly Session[]
  /** Nothing would be forgotten with it but how sessions have ended. */
  readonly isIdle: boolean
  /** Takes note of a boot of the peer. True when it is newer than any seen before. */
  noteEpoch(epoch: number): boolean
  /** Whether the peer has been started again since it opened this session. */
  isOutlived(session: Session): boolean
}

export interface PeerDeskDeps {
  readonly clock: Clock
  readonly sending: Ledger
  readonly receiving: Ledger
}

export function createPeerDesk(deps: PeerDeskDeps, peer: PeerId, limits: PeerLimits): PeerDesk {
  const live = { self: new Map<string, Session>(), peer: new Map<string, Session>() }
  const ended: Readonly<Record<SessionId['openedBy'], Tombstones>> = {
    self: createTombstones(),
    peer: createTombstones(),
  }
  const keyOf = ({ epoch, counter }: Pick<SessionId, 'epoch' | 'counter'>): string => `${epoch}/${counter}`
  let newestEpoch = 0
  return {
    peer,
    sending: deps.sending.account(),
    receiving: deps.receiving.account(),
    hellos: createTokenBucket(deps.clock, limits.hellos),
    pendingHellos: 0,
    add: (session) => void live[session.id.openedBy].set(keyOf(session.id), session),
    remove({ id }, outcome) {
      live[id.openedBy].delete(keyOf(id))
      ended[id.openedBy].add(id.epoch, id.counter, outcome)
    },
    find: (id) => live[id.openedBy].get(keyOf(id)) ?? ended[id.openedBy].look(id.epoch, id.counter),
    count: (openedBy) => live[openedBy].size,
    all: () => [...live.self.values(), ...live.peer.values()],
    get isIdle() {
      return this.pendingHellos === 0 && live.self.size + live.peer.size === 0
    },
    noteEpoch(epoch) {
      if (epoch <= newestEpoch) return false
      newestEpoch = epoch
      return true
    },
    isOutlived: ({ id }) => id.openedBy === 'peer' && id.epoch < newestEpoch,
  }
}
