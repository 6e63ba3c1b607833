import { type Sql, toBytes } from '../sql.ts'

export interface StoredAuditEntry {
  readonly seq: number
  /** The signed chain's own bytes. */
  readonly entry: Uint8Array
}

/** What an entry can be found by. */
export interface AuditIndex {
  readonly at: number
  readonly operation: string
  readonly actor: string
  readonly correlation: string
}

/** Null where it does not matter. `operation` and `actor` match as a beginning. */
export interface AuditFilter {
  readonly beforeSeq: number | null
  readonly since: number | null
  readonly until: number | null
  readonly operation: string | null
  readonly actor: string | null
  readonly correlation: string | null
}

export interface AuditRepository {
  /** Adds the next entry with the signature over the new end, and forgets that the change `begun` was begun. */
  append(row: StoredAuditEntry & AuditIndex, head: Uint8Array, begun: string | undefined): void
  last(): StoredAuditEntry | undefined
  first(): StoredAuditEntry | undefined
  get(seq: number): StoredAuditEntry | undefined
  /** Ascending, above `seq`. */
  after(seq: number, limit: number): readonly StoredAuditEntry[]
  /** The newest first. */
  find(filter: AuditFilter, limit: number): readonly StoredAuditEntry[]
  head(): Uint8Array | undefined
  /** Removes all entries up to `seq`. */
  forget(seq: number): void
  /** The newest entry that is as old as `at` or older. */
  lastUntil(at: number): StoredAuditEntry | undefined
  /** A change begins: its JSON outlives a crash. */
  begin(id: string, change: string): void
  /** It did not happen. */
  abandon(id: string): void
  begun(): readonly { readonly id: string; readonly change: string }[]
}

type Row = { seq: number; entry: Uint8Array }
const read = (row: Row): StoredAuditEntry => ({ seq: row.seq, entry: toBytes(row.entry) })
const one = (row: Row | undefined): StoredAuditEntry | undefined => row && read(row)

export function createAudit(sql: Sql): AuditRepository {
  const insert = sql.command(
    'INSERT INTO audit_entries (seq, at, operation, actor, correlation, entry) VALUES (?, ?, ?, ?, ?, ?)',
  )
  const putHead = sql.command(
    'INSERT INTO audit_head (one, head) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET head = excluded.head',
  )
  const selectHead = sql.query<{ head: Uint8Array }>('SELECT head FROM audit_head')
  const newest = sql.query<Row>('SELECT seq, entry FROM audit_entries ORDER BY seq DESC LIMIT 1')
  const oldest = sql.query<Row>('SELECT seq, entry FROM audit_entries ORDER BY seq LIMIT 1')
  const bySeq = sql.query<Row>('SELECT seq, entry FROM audit_entries WHERE seq = ?')
  const above = sql.query<Row>('SELECT seq, entry FROM audit_entries WHERE seq > ? ORDER BY seq LIMIT ?')
  const found = sql.query<Row>(`
    WITH wanted (below, since, until, operation, actor, correlation) AS (VALUES (?, ?, ?, ?, ?, ?))
    SELECT seq, entry FROM audit_entries AS e, wanted AS w
    WHERE (w.below IS NULL OR seq < w.below) AND (w.since IS NULL OR at >= w.since)
      AND (w.until IS NULL OR at <= w.until)
      AND (w.operation IS NULL OR substr(e.operation, 1, length(w.operation)) = w.operation)
      AND (w.actor IS NULL OR substr(e.actor, 1, length(w.actor)) = w.actor)
      AND (w.correlation IS NULL OR e.correlation = w.correlation)
    ORDER BY seq DESC LIMIT ?`)
  const until = sql.query<Row>('SELECT seq, entry FROM audit_entries WHERE at <= ? ORDER BY seq DESC LIMIT 1')
  const remove = sql.command('DELETE FROM audit_entries WHERE seq <= ?')
  const insertBegun = sql.command('INSERT INTO audit_begun (id, change) VALUES (?, ?)')
  const removeBegun = sql.command('DELETE FROM audit_begun WHERE id = ?')
  const allBegun = sql.query<{ id: string; change: string }>(
    'SELECT id, change FROM audit_begun ORDER BY rowid LIMIT 1000',
  )
  return {
    append: ({ seq, at, operation, actor, correlation, entry }, head, begun) =>
      sql.atomic(() => {
        insert(seq, at, operation, actor, correlation, entry)
        putHead(head)
        if (begun !== undefined) removeBegun(begun)
      }),
    last: () => one(newest.get()),
    first: () => one(oldest.get()),
    get: (seq) => one(bySeq.get(seq)),
    after: (seq, limit) => above.all(seq, limit).map(read),
    find: (filter, limit) =>
      found
        .all(
          ...[filter.beforeSeq, filter.since, filter.until],
          ...[filter.operation, filter.actor, filter.correlation, limit],
        )
        .map(read),
    head() {
      const row = selectHead.get()
      return row && toBytes(row.head)
    },
    forget: (seq) => void remove(seq),
    lastUntil: (at) => one(until.get(at)),
    begin: (id, change) => void insertBegun(id, change),
    abandon: (id) => void removeBegun(id),
    begun: () => allBegun.all(),
  }
}

/** What this node holds of the log of another one. */
export interface StoredAuditHead {
  readonly node: string
  readonly seq: number
  readonly hash: string
  /** When it came, by the clock of this node. */
  readonly heldAt: number
  readonly head: Uint8Array
}

export interface HeldAuditHeadRepository {
  /** Keeps it beside all others. Tells whether it was new. Beyond 512 of one node, every second of the older ones goes. */
  put(row: StoredAuditHead): boolean
  /** By number. */
  of(node: string): readonly StoredAuditHead[]
  /** How many came since then. */
  countSince(node: string, at: number): number
}

export const MAX_HELD_HEADS = 512
/** The newest are all kept. */
const KEPT_NEWEST = 128

export function createHeldAuditHeads(sql: Sql): HeldAuditHeadRepository {
  type HeldRow = { node: string; seq: number; hash: string; heldAt: number; head: Uint8Array }
  const insert = sql.command(
    'INSERT INTO held_audit_heads (node, seq, hash, held_at, head) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const count = sql.query<{ n: number }>('SELECT count(*) AS n FROM held_audit_heads WHERE node = ?')
  const since = sql.query<{ n: number }>(
    'SELECT count(*) AS n FROM held_audit_heads WHERE node = ? AND held_at > ?',
  )
  const ofNode = sql.query<HeldRow>(
    'SELECT node, seq, hash, held_at AS heldAt, head FROM held_audit_heads WHERE node = ? ORDER BY seq, held_at',
  )
  // Two under one number are proof and stay; so does the first of all.
  const thin = sql.command(`
    DELETE FROM held_audit_heads WHERE node = ? AND seq IN (
      SELECT seq FROM (
        SELECT seq, row_number() OVER (ORDER BY seq) AS place, count(*) AS copies, count(*) OVER () AS total
        FROM held_audit_heads WHERE node = ? GROUP BY seq)
      WHERE place % 2 = 0 AND copies = 1 AND place <= total - ?)`)
  return {
    put: ({ node, seq, hash, heldAt, head }) =>
      sql.atomic(() => {
        if (insert(node, seq, hash, heldAt, head) === 0) return false
        if ((count.get(node)?.n ?? 0) > MAX_HELD_HEADS) thin(node, node, KEPT_NEWEST)
        return true
      }),
    of: (node) => ofNode.all(node).map((row) => ({ ...row, head: toBytes(row.head) })),
    countSince: (node, at) => since.get(node, at)?.n ?? 0,
  }
}
