import type { PeerId } from '../../domain/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Announcement } from './announcement.ts'

/** Announcements come every minute; whoever is silent for this long has gone. */
const FOUND_FOR_MS = 5 * 60_000
/** For as long as an announcement could be opened, so that an old one cannot be repeated as a new one. */
const REMEMBERED_FOR_MS = 2 * 3_600_000
const MAX_PEERS = 256
const MAX_ADDRESSES_PER_PEER = 4
/** Of one address, apart. Sooner than this nothing new can have happened. */
const MIN_APART_MS = 250

interface Entry {
  readonly text: string
  readonly at: number
  readonly heardMs: number
}

/** Where members were heard of late, in memory alone. */
export interface LanBook {
  /** Whether the announcement would tell something: it is later than the last one of this address. */
  isNews(announcement: Announcement): boolean
  /** Returns whether the address is one that was not there. To be called for announcements that were verified. */
  record(announcement: Announcement): boolean
  /** Multiaddr texts without the peer, the one heard last first. */
  of(peer: PeerId): readonly string[]
}

export function createLanBook(clock: Pick<Clock, 'monotonicMs'>): LanBook {
  const entries = new Map<PeerId, Entry[]>()
  const heardWithin = (peer: PeerId, ageMs: number): readonly Entry[] => {
    const since = clock.monotonicMs() - ageMs
    return (entries.get(peer) ?? []).filter(({ heardMs }) => heardMs > since)
  }
  const textOf = ({ address, port }: Announcement): string => `/ip4/${address}/tcp/${port}`
  return {
    isNews(announcement) {
      const known = heardWithin(announcement.peer, REMEMBERED_FOR_MS).find(
        ({ text }) => text === textOf(announcement),
      )
      if (known === undefined) return true
      return announcement.at > known.at && clock.monotonicMs() - known.heardMs >= MIN_APART_MS
    },
    record(announcement) {
      const { peer, at } = announcement
      const text = textOf(announcement)
      const wasThere = heardWithin(peer, FOUND_FOR_MS).some((entry) => entry.text === text)
      const others = heardWithin(peer, REMEMBERED_FOR_MS).filter((entry) => entry.text !== text)
      // Set anew, so that the first in the map is the one that was heard longest ago.
      entries.delete(peer)
      const [oldest] = entries.keys()
      if (entries.size >= MAX_PEERS && oldest !== undefined) entries.delete(oldest)
      entries.set(
        peer,
        [{ text, at, heardMs: clock.monotonicMs() }, ...others].slice(0, MAX_ADDRESSES_PER_PEER),
      )
      return !wasThere
    },
    of: (peer) => heardWithin(peer, FOUND_FOR_MS).map(({ text }) => text),
  }
}
