import { parseServiceName, type ServiceName } from '../../domain/ids.ts'
import { orNull, orUndefined, parsed, type Sql } from '../sql.ts'

/** A service that this node offers. */
export interface StoredService {
  readonly name: ServiceName
  /** The target: a host name or address without brackets, and a port from 1 to 65535. */
  readonly host: string
  readonly port: number
  /** How its health is checked, as it was given: `tcp`, `http:/path`. */
  readonly check: string | undefined
  /** ms since the epoch. */
  readonly createdAt: number
}

export interface ServiceRepository {
  /** Adds the service, or replaces the one of the same name. */
  put(row: StoredService): void
  /** Tells whether there was one. */
  remove(name: ServiceName): boolean
  /** By name. */
  all(): readonly StoredService[]
}

/** A local port whose connections go to a service somewhere in the mesh. */
export interface StoredForward {
  readonly port: number
  readonly service: ServiceName
  /** The provider, by the name or id that was given; `undefined` is any provider. */
  readonly node: string | undefined
  /** ms since the epoch. */
  readonly createdAt: number
}

export interface ForwardRepository {
  /** Adds the forward, or replaces the one of the same port. */
  put(row: StoredForward): void
  /** Tells whether there was one. */
  remove(port: number): boolean
  /** By port. */
  all(): readonly StoredForward[]
}

export function createServices(sql: Sql): ServiceRepository {
  type Row = { name: string; host: string; port: number; check: string | null; createdAt: number }
  const upsert = sql.command(`
    INSERT INTO services (name, host, port, health_check, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET host = excluded.host, port = excluded.port,
      health_check = excluded.health_check, created_at = excluded.created_at`)
  const remove = sql.command('DELETE FROM services WHERE name = ?')
  const selectAll = sql.query<Row>(
    'SELECT name, host, port, health_check AS "check", created_at AS createdAt FROM services ORDER BY name',
  )
  return {
    put: ({ name, host, port, check, createdAt }) => void upsert(name, host, port, orNull(check), createdAt),
    remove: (name) => remove(name) > 0,
    all: () =>
      selectAll.all().map((row) => ({
        ...row,
        name: parsed(sql, row.name, parseServiceName, "service's name"),
        check: orUndefined(row.check),
      })),
  }
}

export function createForwards(sql: Sql): ForwardRepository {
  type Row = { port: number; service: string; node: string | null; createdAt: number }
  const upsert = sql.command(`
    INSERT INTO forwards (port, service, node, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (port) DO UPDATE SET service = excluded.service, node = excluded.node,
      created_at = excluded.created_at`)
  const remove = sql.command('DELETE FROM forwards WHERE port = ?')
  const selectAll = sql.query<Row>(
    'SELECT port, service, node, created_at AS createdAt FROM forwards ORDER BY port',
  )
  return {
    put: ({ port, service, node, createdAt }) => void upsert(port, service, orNull(node), createdAt),
    remove: (port) => remove(port) > 0,
    all: () =>
      selectAll.all().map((row) => ({
        ...row,
        service: parsed(sql, row.service, parseServiceName, "service's name"),
        node: orUndefined(row.node),
      })),
  }
}
