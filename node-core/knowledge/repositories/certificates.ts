import { type PeerId, parsePeerId } from '../../domain/ids.ts'
import { parsed, type Sql, toBytes } from '../sql.ts'

/** The newest certificate of one member, with the chain it travels with. Times are ms since the epoch. */
export interface StoredCertificate {
  readonly peer: PeerId
  readonly generation: number
  readonly expiresAt: number
  readonly chain: Uint8Array
}

export interface CertificateRepository {
  /** Keeps the row unless one of a higher generation is there; the same generation is replaced. Tells whether it was kept. */
  put(row: StoredCertificate): boolean
  get(peer: PeerId): StoredCertificate | undefined
  remove(peer: PeerId): void
  all(): readonly StoredCertificate[]
}

const COLUMNS = 'peer, generation, expires_at AS expiresAt, chain'

type Row = {
  readonly peer: string
  readonly generation: number
  readonly expiresAt: number
  readonly chain: Uint8Array
}

export function createCertificates(sql: Sql): CertificateRepository {
  const upsert = sql.command(`
    INSERT INTO certificates (peer, generation, expires_at, chain) VALUES (?, ?, ?, ?)
    ON CONFLICT (peer) DO UPDATE
      SET generation = excluded.generation, expires_at = excluded.expires_at, chain = excluded.chain
      WHERE excluded.generation >= certificates.generation`)
  const select = sql.query<Row>(`SELECT ${COLUMNS} FROM certificates WHERE peer = ?`)
  const selectAll = sql.query<Row>(`SELECT ${COLUMNS} FROM certificates ORDER BY peer`)
  const remove = sql.command('DELETE FROM certificates WHERE peer = ?')
  const read = (row: Row): StoredCertificate => ({
    peer: parsed(sql, row.peer, parsePeerId, 'peer id'),
    generation: row.generation,
    expiresAt: row.expiresAt,
    chain: toBytes(row.chain),
  })
  return {
    put: (row) => upsert(row.peer, row.generation, row.expiresAt, row.chain) > 0,
    get(peer) {
      const row = select.get(peer)
      return row && read(row)
    },
    remove: (peer) => void remove(peer),
    all: () => selectAll.all().map(read),
  }
}
