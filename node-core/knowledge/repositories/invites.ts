import { z } from 'zod'
import { type InviteId, type PeerId, parseInviteId, parsePeerId } from '../../domain/ids.ts'
import { parseRole, type Role } from '../../domain/role.ts'
import { orUndefined, parsed, type Sql, toBytes } from '../sql.ts'

/** Who used an invite: fixed by the first request that proves it holds the token. */
export interface StoredInviteUse {
  readonly peer: PeerId
  /** Hex SHA-256 over what a retry must repeat: the joining node's public keys and its name. */
  readonly keysHash: string
  readonly usedAt: number
}

/** A one-time invite as its issuer keeps it. Times are ms since the epoch. */
export interface StoredInvite {
  readonly id: InviteId
  readonly role: Role
  readonly labels: readonly string[]
  readonly transit: boolean
  readonly needsApproval: boolean
  readonly createdAt: number
  readonly expiresAt: number
  /** Public halves of the keys that the token's secret derives. The secret itself is stored nowhere. */
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
  readonly use: StoredInviteUse | undefined
  /** The certificate chain that was issued for it. */
  readonly chain: Uint8Array | undefined
}

export interface InviteRepository {
  create(row: StoredInvite): void
  get(id: InviteId): StoredInvite | undefined
  /** Newest first. */
  list(): readonly StoredInvite[]
  /**
   * In one commit: an invite without a use gets this one, `committed`. Never overwrites: the same keys again are
   * `repeated` (a retry, which gets the same certificate), other keys find it `taken`.
   */
  redeem(id: InviteId, use: StoredInviteUse): 'committed' | 'repeated' | 'taken' | 'unknown'
  /** Stores the chain issued for a redeemed invite, unless it has one already: false. */
  complete(id: InviteId, chain: Uint8Array): boolean
  /** Also forgets the join request that came with it. */
  remove(id: InviteId): void
}

type Row = {
  readonly id: string
  readonly role: string
  readonly labels: string
  readonly transit: number
  readonly needsApproval: number
  readonly createdAt: number
  readonly expiresAt: number
  readonly ed25519: Uint8Array
  readonly mldsa: Uint8Array
  readonly usedBy: string | null
  readonly usedKeysHash: string | null
  readonly usedAt: number | null
  readonly chain: Uint8Array | null
}

const SELECT = `SELECT id, role, labels, transit, needs_approval AS needsApproval, created_at AS createdAt,
  expires_at AS expiresAt, ed25519, mldsa, used_by AS usedBy, used_keys_hash AS usedKeysHash, used_at AS usedAt, chain
  FROM invites`

const labelsSchema = z.array(z.string())

function parseLabels(raw: string): readonly string[] | undefined {
  try {
    return labelsSchema.parse(JSON.parse(raw))
  } catch {
    // `parsed` says what is wrong, with the path of the store.
    return undefined
  }
}

function readUse(sql: Sql, row: Row): StoredInviteUse | undefined {
  if (row.usedBy === null || row.usedKeysHash === null || row.usedAt === null) return undefined
  return {
    peer: parsed(sql, row.usedBy, parsePeerId, 'peer id'),
    keysHash: row.usedKeysHash,
    usedAt: row.usedAt,
  }
}

function readInvite(sql: Sql, row: Row): StoredInvite {
  return {
    id: parsed(sql, row.id, parseInviteId, 'invite id'),
    role: parsed(sql, row.role, parseRole, 'role'),
    labels: parsed(sql, row.labels, parseLabels, 'list of labels'),
    transit: row.transit !== 0,
    needsApproval: row.needsApproval !== 0,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    ed25519: toBytes(row.ed25519),
    mldsa: toBytes(row.mldsa),
    use: readUse(sql, row),
    chain: orUndefined(row.chain && toBytes(row.chain)),
  }
}

export function createInvites(sql: Sql): InviteRepository {
  const insert = sql.command(`
    INSERT INTO invites (id, role, labels, transit, needs_approval, created_at, expires_at, ed25519, mldsa,
      used_by, used_keys_hash, used_at, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const select = sql.query<Row>(`${SELECT} WHERE id = ?`)
  const selectAll = sql.query<Row>(`${SELECT} ORDER BY created_at DESC, id`)
  const use = sql.command(
    'UPDATE invites SET used_by = ?, used_keys_hash = ?, used_at = ? WHERE id = ? AND used_by IS NULL',
  )
  const complete = sql.command(
    'UPDATE invites SET chain = ? WHERE id = ? AND used_by IS NOT NULL AND chain IS NULL',
  )
  const remove = sql.command('DELETE FROM invites WHERE id = ?')
  return {
    create(row) {
      const { id, role, transit, needsApproval, createdAt, expiresAt, ed25519, mldsa } = row
      const used = [row.use?.peer ?? null, row.use?.keysHash ?? null, row.use?.usedAt ?? null]
      const flags = [transit ? 1 : 0, needsApproval ? 1 : 0]
      const labels = JSON.stringify(row.labels)
      insert(id, role, labels, ...flags, createdAt, expiresAt, ed25519, mldsa, ...used, row.chain ?? null)
    },
    get(id) {
      const row = select.get(id)
      return row && readInvite(sql, row)
    },
    list: () => selectAll.all().map((row) => readInvite(sql, row)),
    redeem: (id, { peer, keysHash, usedAt }) =>
      sql.atomic(() => {
        if (use(peer, keysHash, usedAt, id) > 0) return 'committed'
        const row = select.get(id)
        if (row === undefined) return 'unknown'
        return row.usedKeysHash === keysHash ? 'repeated' : 'taken'
      }),
    complete: (id, chain) => complete(chain, id) > 0,
    remove: (id) => void remove(id),
  }
}
