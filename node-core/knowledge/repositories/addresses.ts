import type { PeerId } from '../../domain/ids.ts'
import type { Sql } from '../sql.ts'

/** Where this node last reached the others: tried first after a restart, before any record was received. */
export interface AddressRepository {
  /** Notes that the address worked. Only the newest few of a peer are kept. */
  remember(peer: PeerId, address: string, atMs: number): void
  /** Multiaddrs, the one that worked last first. */
  of(peer: PeerId): readonly string[]
  remove(peer: PeerId): void
}

const MAX_PER_PEER = 8

export function createAddresses(sql: Sql): AddressRepository {
  const upsert = sql.command(`
    INSERT INTO addresses (peer, address, reached_at) VALUES (?, ?, ?)
    ON CONFLICT (peer, address) DO UPDATE SET reached_at = max(reached_at, excluded.reached_at)`)
  const trim = sql.command(`
    DELETE FROM addresses WHERE peer = ? AND address NOT IN
      (SELECT address FROM addresses WHERE peer = ? ORDER BY reached_at DESC, address LIMIT ?)`)
  const select = sql.query<{ address: string }>(
    'SELECT address FROM addresses WHERE peer = ? ORDER BY reached_at DESC, address',
  )
  const remove = sql.command('DELETE FROM addresses WHERE peer = ?')
  return {
    remember: (peer, address, atMs) =>
      // Where a peer was not found any more, its next address is found again: no reason to wait for the disk.
      sql.relaxed(() => {
        upsert(peer, address, atMs)
        trim(peer, peer, MAX_PER_PEER)
      }),
    of: (peer) => select.all(peer).map((row) => row.address),
    remove: (peer) => void remove(peer),
  }
}
