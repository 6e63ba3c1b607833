import type { Sql } from '../sql.ts'

export type StoredConfigVersion = {
  readonly version: number
  readonly at: number
  readonly actor: string
  readonly action: string
  /** JSON. */
  readonly document: string
  /** Of `x0t.yaml`; null where there was none. */
  readonly fileText: string | null
}

export interface ConfigVersionRepository {
  /** Adds the next version and returns its number. One that is `applying` counts only once `settle` was called. */
  append(row: Omit<StoredConfigVersion, 'version'>, state: 'applying' | 'applied'): number
  /** The change was made, or was not and its version is forgotten. */
  settle(version: number, outcome: 'undone' | { readonly document: string }): void
  /** What a crash left in the middle. */
  unsettled(): StoredConfigVersion | undefined
  get(version: number): StoredConfigVersion | undefined
  latest(): StoredConfigVersion | undefined
  /** Newest first, without what they hold. */
  list(limit: number): readonly Omit<StoredConfigVersion, 'document' | 'fileText'>[]
}

const MAX_VERSIONS = 200
const ALL = 'version, at, actor, action, document, file_text AS fileText'

export function createConfigVersions(sql: Sql): ConfigVersionRepository {
  const insert = sql.command(`
    INSERT INTO config_versions (version, at, actor, action, state, document, file_text)
    SELECT COALESCE(MAX(version), 0) + 1, ?, ?, ?, ?, ?, ? FROM config_versions`)
  const top = sql.query<{ version: number }>('SELECT MAX(version) AS version FROM config_versions')
  const trim = sql.command(
    'DELETE FROM config_versions WHERE version NOT IN (SELECT version FROM config_versions ORDER BY version DESC LIMIT ?)',
  )
  const settled = sql.command(`UPDATE config_versions SET state = 'applied', document = ? WHERE version = ?`)
  const remove = sql.command('DELETE FROM config_versions WHERE version = ?')
  const inMiddle = sql.query<StoredConfigVersion>(
    `SELECT ${ALL} FROM config_versions WHERE state = 'applying' ORDER BY version DESC LIMIT 1`,
  )
  const one = sql.query<StoredConfigVersion>(
    `SELECT ${ALL} FROM config_versions WHERE version = ? AND state = 'applied'`,
  )
  const newest = sql.query<StoredConfigVersion>(
    `SELECT ${ALL} FROM config_versions WHERE state = 'applied' ORDER BY version DESC LIMIT 1`,
  )
  const page = sql.query<Omit<StoredConfigVersion, 'document' | 'fileText'>>(
    `SELECT version, at, actor, action FROM config_versions WHERE state = 'applied' ORDER BY version DESC LIMIT ?`,
  )
  return {
    append: ({ at, actor, action, document, fileText }, state) =>
      sql.atomic(() => {
        insert(at, actor, action, state, document, fileText)
        trim(MAX_VERSIONS)
        return top.get()?.version ?? 0
      }),
    settle(version, outcome) {
      if (outcome === 'undone') remove(version)
      else settled(outcome.document, version)
    },
    unsettled: () => inMiddle.get(),
    get: (version) => one.get(version),
    latest: () => newest.get(),
    list: (limit) => page.all(limit),
  }
}
