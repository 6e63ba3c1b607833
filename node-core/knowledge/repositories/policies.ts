import { type Sql, toBytes } from '../sql.ts'

export interface StoredPolicy {
  /** From 1. */
  readonly version: number
  /** When it was accepted here, ms since the epoch. */
  readonly acceptedAt: number
  /** The signed version. */
  readonly policy: Uint8Array
}

export interface PolicyRepository {
  /** Adds a version above the latest; another is refused: false. The oldest beyond the newest 500 are forgotten. */
  append(row: StoredPolicy): boolean
  latest(): StoredPolicy | undefined
  /** Newest first, at most `limit`. */
  history(limit: number): readonly StoredPolicy[]
}

const MAX_VERSIONS = 500

export function createPolicies(sql: Sql): PolicyRepository {
  type Row = { version: number; acceptedAt: number; policy: Uint8Array }
  const insert = sql.command(`
    INSERT INTO policies (version, accepted_at, policy) SELECT ?, ?, ?
    WHERE NOT EXISTS (SELECT 1 FROM policies WHERE version >= ?)`)
  const trim = sql.command(
    'DELETE FROM policies WHERE version NOT IN (SELECT version FROM policies ORDER BY version DESC LIMIT ?)',
  )
  const newest = sql.query<Row>(
    'SELECT version, accepted_at AS acceptedAt, policy FROM policies ORDER BY version DESC LIMIT ?',
  )
  const read = (row: Row): StoredPolicy => ({ ...row, policy: toBytes(row.policy) })
  return {
    append: ({ version, acceptedAt, policy }) =>
      sql.atomic(() => {
        if (insert(version, acceptedAt, policy, version) === 0) return false
        trim(MAX_VERSIONS)
        return true
      }),
    latest() {
      const row = newest.get(1)
      return row && read(row)
    },
    history: (limit) => newest.all(limit).map(read),
  }
}
