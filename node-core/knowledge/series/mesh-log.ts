import { z } from 'zod'
import { LINK_STATES } from '../../domain/link.ts'
import { EMPTY_MESH, type MeshChange, type MeshState, withChanges } from '../../domain/mesh-history.ts'
import { decodeDocument, encodeDocument, maybe, nodeName, peer } from '../documents.ts'
import type { Sql } from '../sql.ts'

/** How the mesh was: changes, and a whole state now and then, so that any moment is one state and few changes. */
export interface MeshLog {
  append(changes: readonly MeshChange[]): void
  /** The state at a moment; undefined before the first one that is kept. */
  stateAt(at: number): MeshState | undefined
  /** From `from` to before `until`, the newest first, at most `limit`. */
  changes(from: number, until: number, limit: number): readonly MeshChange[]
  /** Forgets some of what is older. Tells whether there may be more. */
  forget(before: number): boolean
}

const SNAPSHOT_EVERY_MS = 900_000
const SNAPSHOT_EVERY_CHANGES = 500
/** Whatever happens in between: a storm of changes must not make a moment slow to read. */
const MAX_CHANGES_READ = 20_000
const SLICE = 200

const nodeDocument = z.object({ peer, name: nodeName, reachable: z.boolean() })
const endsDocument = z.tuple([peer, peer])
const linkDocument = z.object({ ends: endsDocument, state: z.enum(LINK_STATES), costMs: maybe(z.number()) })
const stateDocument: z.ZodType<MeshState> = z.object({
  nodes: z.array(nodeDocument),
  links: z.array(linkDocument),
})
const changeDocument: z.ZodType<MeshChange> = z.discriminatedUnion('kind', [
  z.object({ at: z.number(), kind: z.literal('node'), node: nodeDocument }),
  z.object({ at: z.number(), kind: z.literal('node-gone'), peer }),
  z.object({ at: z.number(), kind: z.literal('link'), link: linkDocument }),
  z.object({ at: z.number(), kind: z.literal('link-gone'), ends: endsDocument }),
])

export function createMeshLog(sql: Sql): MeshLog {
  type ChangeRow = { change: string }
  const insert = sql.command('INSERT INTO topology_changes (at, change) VALUES (?, ?)')
  const keep = sql.command('INSERT OR REPLACE INTO topology_snapshots (at, state) VALUES (?, ?)')
  const lastSnapshot = sql.query<{ at: number; state: string }>(
    'SELECT at, state FROM topology_snapshots WHERE at <= ? ORDER BY at DESC LIMIT 1',
  )
  const between = sql.query<ChangeRow>(
    'SELECT change FROM topology_changes WHERE at > ? AND at <= ? ORDER BY at, id LIMIT ?',
  )
  const newest = sql.query<ChangeRow>(
    'SELECT change FROM topology_changes WHERE at >= ? AND at < ? ORDER BY at DESC, id DESC LIMIT ?',
  )
  const countSince = sql.query<{ n: number }>('SELECT count(*) AS n FROM topology_changes WHERE at > ?')
  const forgetChanges = sql.command(
    'DELETE FROM topology_changes WHERE id IN (SELECT id FROM topology_changes WHERE at <= ? ORDER BY at LIMIT ?)',
  )
  const forgetSnapshots = sql.command('DELETE FROM topology_snapshots WHERE at < ?')
  const read = (row: ChangeRow): MeshChange =>
    decodeDocument(sql, row.change, changeDocument, 'change of the mesh')

  const stateAt = (at: number): MeshState | undefined => {
    const snapshot = lastSnapshot.get(at)
    if (snapshot === undefined) return undefined
    const state = decodeDocument(sql, snapshot.state, stateDocument, 'state of the mesh')
    return withChanges(state, between.all(snapshot.at, at, MAX_CHANGES_READ).map(read))
  }

  return {
    append: (changes) =>
      sql.atomic(() => {
        const last = changes.at(-1)
        if (last === undefined) return
        const before = stateAt(last.at)
        for (const change of changes) insert(change.at, encodeDocument(change))
        const snapshot = lastSnapshot.get(last.at)
        const due =
          snapshot === undefined ||
          last.at - snapshot.at >= SNAPSHOT_EVERY_MS ||
          (countSince.get(snapshot.at)?.n ?? 0) >= SNAPSHOT_EVERY_CHANGES
        if (due) keep(last.at, encodeDocument(withChanges(before ?? EMPTY_MESH, changes)))
      }),
    stateAt,
    changes: (from, until, limit) => newest.all(from, until, limit).map(read),
    forget: (before) =>
      sql.atomic(() => {
        // What a moment after `before` is read from stays.
        const base = lastSnapshot.get(before)
        if (base === undefined) return false
        forgetSnapshots(base.at)
        return forgetChanges(base.at, SLICE) === SLICE
      }),
  }
}
