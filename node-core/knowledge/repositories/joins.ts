import {
  type InviteId,
  type JoinId,
  type NodeName,
  type PeerId,
  parseInviteId,
  parseJoinId,
  parseNodeName,
  parsePeerId,
} from '../../domain/ids.ts'
import { orNull, orUndefined, parsed, type Sql, toBytes } from '../sql.ts'

const STATES = ['pending', 'approved', 'rejected', 'expired'] as const
type State = (typeof STATES)[number]

/** A join request that waits, or waited, for an operator. Times are ms since the epoch. */
export interface StoredJoin {
  readonly id: JoinId
  readonly invite: InviteId
  readonly peer: PeerId
  readonly name: NodeName
  /** The signed request, as it came. */
  readonly request: Uint8Array
  readonly requestedAt: number
  /** A request that nobody decided by then is denied. */
  readonly expiresAt: number
  readonly state: State
  readonly decidedAt: number | undefined
}

export interface JoinRepository {
  /** Adds a row; there is at most one for an invite, a second is refused: false. */
  create(row: StoredJoin): boolean
  get(id: JoinId): StoredJoin | undefined
  byInvite(invite: InviteId): StoredJoin | undefined
  /** Oldest first. */
  list(): readonly StoredJoin[]
  /** Moves a pending row to its end state in one commit; any other row stays: false. */
  decide(id: JoinId, state: Exclude<State, 'pending'>, atMs: number): boolean
  remove(id: JoinId): void
}

type Row = {
  readonly id: string
  readonly invite: string
  readonly peer: string
  readonly name: string
  readonly request: Uint8Array
  readonly requestedAt: number
  readonly expiresAt: number
  readonly state: string
  readonly decidedAt: number | null
}

const SELECT = `SELECT id, invite, peer, name, request, requested_at AS requestedAt, expires_at AS expiresAt, state,
  decided_at AS decidedAt FROM joins`

const parseState = (raw: string): State | undefined => STATES.find((state) => state === raw)

export function createJoins(sql: Sql): JoinRepository {
  const insert = sql.command(`
    INSERT INTO joins (id, invite, peer, name, request, requested_at, expires_at, state, decided_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
  const select = sql.query<Row>(`${SELECT} WHERE id = ?`)
  const selectByInvite = sql.query<Row>(`${SELECT} WHERE invite = ?`)
  const selectAll = sql.query<Row>(`${SELECT} ORDER BY requested_at, id`)
  const decide = sql.command("UPDATE joins SET state = ?, decided_at = ? WHERE id = ? AND state = 'pending'")
  const remove = sql.command('DELETE FROM joins WHERE id = ?')
  const read = (row: Row): StoredJoin => ({
    id: parsed(sql, row.id, parseJoinId, 'join id'),
    invite: parsed(sql, row.invite, parseInviteId, 'invite id'),
    peer: parsed(sql, row.peer, parsePeerId, 'peer id'),
    name: parsed(sql, row.name, parseNodeName, "node's name"),
    request: toBytes(row.request),
    requestedAt: row.requestedAt,
    expiresAt: row.expiresAt,
    state: parsed(sql, row.state, parseState, 'state of a join'),
    decidedAt: orUndefined(row.decidedAt),
  })
  const readOne = (row: Row | undefined): StoredJoin | undefined => row && read(row)
  return {
    create({ id, invite, peer, name, request, requestedAt, expiresAt, state, decidedAt }) {
      const times = [requestedAt, expiresAt]
      return insert(id, invite, peer, name, request, ...times, state, orNull(decidedAt)) > 0
    },
    get: (id) => readOne(select.get(id)),
    byInvite: (invite) => readOne(selectByInvite.get(invite)),
    list: () => selectAll.all().map(read),
    decide: (id, state, atMs) => decide(state, atMs, id) > 0,
    remove: (id) => void remove(id),
  }
}
