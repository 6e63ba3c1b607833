import {
  type NodeName,
  type PeerId,
  parseNodeName,
  parsePeerId,
  parseServiceName,
  type ServiceName,
} from '../../domain/ids.ts'
import { orNull, orUndefined, parsed, type Sql } from '../sql.ts'

/** A service that this node offers. */
export interface StoredService {
  readonly name: ServiceName
  /** A host name or an IP address, without brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  /** How its health is checked, as it was given: `tcp`, `http:/path`. */
  readonly check: string | undefined
}

export interface ServiceRepository {
  /** By name. */
  list(): readonly StoredService[]
  /** Adds the service, or replaces the one of the same name. */
  put(row: StoredService): void
  /** Tells whether there was one. */
  remove(name: ServiceName): boolean
}

/** A local port that leads to a service somewhere in the mesh. */
export interface StoredForward {
  /** The address it listens on. */
  readonly host: string
  /** 1 to 65535; the key. */
  readonly port: number
  readonly service: ServiceName
  /** The only node that may provide it. */
  readonly node: NodeName | PeerId | undefined
}

export interface ForwardRepository {
  /** By port. */
  list(): readonly StoredForward[]
  /** Adds the forward, or replaces the one of the same port. */
  put(row: StoredForward): void
  /** Tells whether there was one. */
  remove(port: number): boolean
}

/** Local ports that serve SOCKS5. */
export interface SocksRepository {
  /** In order. */
  list(): readonly number[]
  /** Adds the port; one that is there stays. */
  put(port: number): void
  /** Tells whether it was there. */
  remove(port: number): boolean
}

const parseNode = (raw: string): NodeName | PeerId | undefined => parsePeerId(raw) ?? parseNodeName(raw)

export function createServices(sql: Sql): ServiceRepository {
  type Row = { name: string; host: string; port: number; check: string | null }
  const selectAll = sql.query<Row>(
    'SELECT name, host, port, health_check AS "check" FROM services ORDER BY name',
  )
  const upsert = sql.command(`
    INSERT INTO services (name, host, port, health_check) VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE
      SET host = excluded.host, port = excluded.port, health_check = excluded.health_check`)
  const remove = sql.command('DELETE FROM services WHERE name = ?')
  return {
    list: () =>
      selectAll.all().map((row) => ({
        ...row,
        name: parsed(sql, row.name, parseServiceName, "service's name"),
        check: orUndefined(row.check),
      })),
    put: ({ name, host, port, check }) => void upsert(name, host, port, orNull(check)),
    remove: (name) => remove(name) > 0,
  }
}

export function createForwards(sql: Sql): ForwardRepository {
  type Row = { host: string; port: number; service: string; node: string | null }
  const selectAll = sql.query<Row>('SELECT host, port, service, node FROM forwards ORDER BY port')
  const upsert = sql.command(`
    INSERT INTO forwards (host, port, service, node) VALUES (?, ?, ?, ?)
    ON CONFLICT (port) DO UPDATE SET host = excluded.host, service = excluded.service, node = excluded.node`)
  const remove = sql.command('DELETE FROM forwards WHERE port = ?')
  return {
    list: () =>
      selectAll.all().map((row) => ({
        ...row,
        service: parsed(sql, row.service, parseServiceName, "service's name"),
        node: row.node === null ? undefined : parsed(sql, row.node, parseNode, "node's name or id"),
      })),
    put: ({ host, port, service, node }) => void upsert(host, port, service, orNull(node)),
    remove: (port) => remove(port) > 0,
  }
}

export function createSocksPorts(sql: Sql): SocksRepository {
  const selectAll = sql.query<{ port: number }>('SELECT port FROM socks_ports ORDER BY port')
  const insert = sql.command('INSERT INTO socks_ports (port) VALUES (?) ON CONFLICT (port) DO NOTHING')
  const remove = sql.command('DELETE FROM socks_ports WHERE port = ?')
  return {
    list: () => selectAll.all().map(({ port }) => port),
    put: (port) => void insert(port),
    remove: (port) => remove(port) > 0,
  }
}
