import type { MeshChange, MeshState } from '../../domain/mesh-history.ts'
import type { SeriesAnswer, SeriesInfo, SeriesQuery, StoredSeries } from '../../domain/series.ts'
import { hasCode } from '../../platform/error.ts'
import { createMeshLog } from './mesh-log.ts'
import { type Batch, createOpenSamples } from './open-samples.ts'
import { createReader, type Retention } from './reader.ts'
import { createRegistry } from './registry.ts'
import { createTrim } from './retention.ts'
import { openSeriesDatabase } from './series-database.ts'

export interface SeriesEngineOptions {
  readonly path: string
  readonly retention: Retention
  readonly maxBytes: number
  readonly maxSeries: number
  /** Samples in memory before they are folded into blocks: 16 bytes each. */
  readonly maxOpenSamples: number
}

/**
 * Series on one thread, without a wait. Whoever drives it calls `work` until it says false, and sees to it that the log
 * is synchronised.
 */
export interface SeriesEngine {
  register(info: SeriesInfo, nowMs: number): number | undefined
  append(batch: Batch, nowMs: number): void
  /** One step of some milliseconds. Tells whether there is more to do. */
  work(nowMs: number): boolean
  list(): readonly StoredSeries[]
  query(key: string, query: SeriesQuery, nowMs: number): SeriesAnswer | undefined
  appendChanges(changes: readonly MeshChange[]): void
  stateAt(at: number): MeshState | undefined
  changes(from: number, until: number, limit: number): readonly MeshChange[]
  usedBytes(): number
  logBytes(): number
  copyLog(): boolean
  close(): void
}

const FOLD_EVERY_MS = 600_000
const MESH_HISTORY_MS = 7 * 86_400_000

/** @throws FaultError of StoreFault */
export function createSeriesEngine(options: SeriesEngineOptions): SeriesEngine {
  const database = openSeriesDatabase(options.path, options.maxBytes)
  try {
    return assemble(database, options)
  } catch (error) {
    database.close()
    throw error
  }
}

function assemble(
  { sql, usedBytes, logBytes, copyLog, close }: ReturnType<typeof openSeriesDatabase>,
  { retention, maxBytes, maxSeries, maxOpenSamples }: SeriesEngineOptions,
): SeriesEngine {
  const open = createOpenSamples(sql)
  const registry = createRegistry(sql, { maxSeries, onRemoved: open.forget })
  const reader = createReader(sql, open, retention)
  const trim = createTrim(sql, retention, { maxBytes, usedBytes })
  const mesh = createMeshLog(sql)
  let foldedAt: number | undefined
  const makeRoom = (nowMs: number): boolean => {
    let made = false
    while (sql.atomic(() => trim(nowMs))) made = true
    return made
  }

  return {
    register: registry.register,
    append(batch, nowMs) {
      foldedAt ??= nowMs
      try {
        open.append(batch)
      } catch (error) {
        // At the limit of the size, room can be made at once; on a disk that is full it cannot.
        if (!hasCode(error, 'STORE_FULL') || !makeRoom(nowMs)) throw error
        open.append(batch)
      }
    },
    work(nowMs) {
      foldedAt ??= nowMs
      // First: folding needs room.
      if (sql.atomic(() => trim(nowMs))) return true
      if (open.count > maxOpenSamples || nowMs - foldedAt > FOLD_EVERY_MS) {
        open.beginFolding()
        foldedAt = nowMs
      }
      return open.fold() || mesh.forget(nowMs - MESH_HISTORY_MS)
    },
    list: registry.list,
    query(key, query, nowMs) {
      const found = registry.find(key)
      return found && { info: found.info, ...reader.read(found.id, query, nowMs) }
    },
    appendChanges: mesh.append,
    stateAt: mesh.stateAt,
    changes: mesh.changes,
    usedBytes,
    logBytes,
    copyLog,
    close,
  }
}
