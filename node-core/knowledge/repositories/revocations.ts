import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { parsed, type Sql, toBytes } from '../sql.ts'

/** One entry of one issuer's hash-chained log. `issuer` is `authority` or a PeerId. */
export interface StoredRevocation {
  readonly issuer: string
  /** From 1. A forked log has two entries with the same number: both are kept, because both revoke. */
  readonly seq: number
  /** Hex SHA-256 of the entry. */
  readonly hash: string
  readonly subject: PeerId
  readonly entry: Uint8Array
}

/** Only ever grows. */
export interface RevocationRepository {
  /** Adds an entry. One that is there already (issuer and hash) stays as it is: false. */
  append(row: StoredRevocation): boolean
  /** By issuer, then by seq. */
  all(): readonly StoredRevocation[]
}

/** The highest head seen of one issuer's log. */
export interface StoredHead {
  readonly issuer: string
  readonly seq: number
  /** When the issuer signed it, ms since the epoch by the issuer's clock. */
  readonly at: number
  readonly head: Uint8Array
}

/** Never goes back. */
export interface HeadRepository {
  /** Keeps the row if its (seq, at) is higher than what is there. Tells whether it was kept. */
  put(row: StoredHead): boolean
  all(): readonly StoredHead[]
}

export function createRevocations(sql: Sql): RevocationRepository {
  type Row = { issuer: string; seq: number; hash: string; subject: string; entry: Uint8Array }
  const insert = sql.command(`
    INSERT INTO revocations (issuer, seq, hash, subject, entry) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (issuer, hash) DO NOTHING`)
  const selectAll = sql.query<Row>(
    'SELECT issuer, seq, hash, subject, entry FROM revocations ORDER BY issuer, seq, hash',
  )
  return {
    append: (row) => insert(row.issuer, row.seq, row.hash, row.subject, row.entry) > 0,
    all: () =>
      selectAll.all().map((row) => ({
        ...row,
        subject: parsed(sql, row.subject, parsePeerId, 'peer id'),
        entry: toBytes(row.entry),
      })),
  }
}

export function createHeads(sql: Sql): HeadRepository {
  type Row = { issuer: string; seq: number; at: number; head: Uint8Array }
  const upsert = sql.command(`
    INSERT INTO revocation_heads (issuer, seq, at, head) VALUES (?, ?, ?, ?)
    ON CONFLICT (issuer) DO UPDATE SET seq = excluded.seq, at = excluded.at, head = excluded.head
      WHERE (excluded.seq, excluded.at) > (revocation_heads.seq, revocation_heads.at)`)
  const selectAll = sql.query<Row>('SELECT issuer, seq, at, head FROM revocation_heads ORDER BY issuer')
  return {
    put: (row) => upsert(row.issuer, row.seq, row.at, row.head) > 0,
    all: () => selectAll.all().map((row) => ({ ...row, head: toBytes(row.head) })),
  }
}
