import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { parsed, type Sql, toBytes } from '../sql.ts'

/** The certificate of a member that counts among those from issuers of one rank, with the chain it travels with. */
export interface StoredCertificate {
  readonly peer: PeerId
  /** -1 for the authority, else the place of the issuer's role in `ROLES`: with the peer, the key. */
  readonly rank: number
  readonly generation: number
  /** ms since the epoch. */
  readonly expiresAt: number
  readonly chain: Uint8Array
}

/** Which of two certificates counts is decided by whoever verified them: a row that is put replaces the one there. */
export interface CertificateRepository {
  put(row: StoredCertificate): void
  /** All of one peer. */
  remove(peer: PeerId): void
  all(): readonly StoredCertificate[]
}

export function createCertificates(sql: Sql): CertificateRepository {
  type Row = { peer: string; rank: number; generation: number; expiresAt: number; chain: Uint8Array }
  const upsert = sql.command(`
    INSERT INTO certificates (peer, issuer_rank, generation, expires_at, chain) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (peer, issuer_rank) DO UPDATE
      SET generation = excluded.generation, expires_at = excluded.expires_at, chain = excluded.chain`)
  const remove = sql.command('DELETE FROM certificates WHERE peer = ?')
  const selectAll = sql.query<Row>(`
    SELECT peer, issuer_rank AS "rank", generation, expires_at AS expiresAt, chain
    FROM certificates ORDER BY peer, issuer_rank`)
  return {
    put: (row) => void upsert(row.peer, row.rank, row.generation, row.expiresAt, row.chain),
    remove: (peer) => void remove(peer),
    all: () =>
      selectAll.all().map((row) => ({
        ...row,
        peer: parsed(sql, row.peer, parsePeerId, 'peer id'),
        chain: toBytes(row.chain),
      })),
  }
}
