import type { Sql } from '../sql.ts'

/** Small texts under fixed names: the clock floor, the listen port once chosen, the own incarnation. */
export interface MetaRepository {
  get(key: string): string | undefined
  set(key: string, value: string): void
}

export function createMeta(sql: Sql): MetaRepository {
  const select = sql.query<{ value: string }>('SELECT value FROM meta WHERE key = ?')
  const upsert = sql.command(
    'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  return {
    get: (key) => select.get(key)?.value,
    set: (key, value) => void upsert(key, value),
  }
}
