import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { parsed, type Sql, toBytes } from '../sql.ts'

/** The newest signed node record of one node: its addresses and services. */
export interface StoredNodeRecord {
  readonly peer: PeerId
  readonly incarnation: number
  readonly seq: number
  readonly record: Uint8Array
}

export interface NodeRecordRepository {
  /** Keeps the row if its (incarnation, seq) is higher than what is there. Tells whether it was kept. */
  put(row: StoredNodeRecord): boolean
  remove(peer: PeerId): void
  all(): readonly StoredNodeRecord[]
}

export function createNodeRecords(sql: Sql): NodeRecordRepository {
  type Row = { peer: string; incarnation: number; seq: number; record: Uint8Array }
  const upsert = sql.command(`
    INSERT INTO node_records (peer, incarnation, seq, record) VALUES (?, ?, ?, ?)
    ON CONFLICT (peer) DO UPDATE
      SET incarnation = excluded.incarnation, seq = excluded.seq, record = excluded.record
      WHERE (excluded.incarnation, excluded.seq) > (node_records.incarnation, node_records.seq)`)
  const remove = sql.command('DELETE FROM node_records WHERE peer = ?')
  const selectAll = sql.query<Row>('SELECT peer, incarnation, seq, record FROM node_records ORDER BY peer')
  return {
    // Neighbours tell a record again that was lost, and an own one is signed anew at each start.
    put: (row) => sql.relaxed(() => upsert(row.peer, row.incarnation, row.seq, row.record) > 0),
    remove: (peer) => void remove(peer),
    all: () =>
      selectAll.all().map((row) => ({
        ...row,
        peer: parsed(sql, row.peer, parsePeerId, 'peer id'),
        record: toBytes(row.record),
      })),
  }
}
