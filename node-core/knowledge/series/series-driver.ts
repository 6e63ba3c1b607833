import { type FileHandle, open } from 'node:fs/promises'
import type { MeshChange, MeshState } from '../../domain/mesh-history.ts'
import type { SeriesAnswer, SeriesInfo, SeriesQuery, StoredSeries } from '../../domain/series.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Batch } from './open-samples.ts'
import { createSeriesEngine, type SeriesEngine, type SeriesEngineOptions } from './series-engine.ts'

/** A series that a caller has begun to write, under the number that the caller gave it. */
export interface Registration {
  readonly handle: number
  readonly info: SeriesInfo
}

/** Series as seen from another thread, or from this one. Every call may reject with a StoreFault. */
export interface SeriesDriver {
  /** Batches are numbered by handles. Answers those handles that there was no room for. */
  append(added: readonly Registration[], batch: Batch): Promise<readonly number[]>
  list(): Promise<readonly StoredSeries[]>
  query(key: string, query: SeriesQuery): Promise<SeriesAnswer | undefined>
  appendChanges(changes: readonly MeshChange[]): Promise<void>
  stateAt(at: number): Promise<MeshState | undefined>
  changes(from: number, until: number, limit: number): Promise<readonly MeshChange[]>
  usedBytes(): Promise<number>
  close(): Promise<void>
}

/** What a loss of power may cost. The end of the process alone costs nothing that was appended. */
const SYNC_EVERY_MS = 10_000
/** The log is copied into the file from this size on. */
const COPY_LOG_BYTES = 2 * 1024 * 1024

/**
 * Drives an engine on this thread in steps of some milliseconds. SQLite itself never waits for the disk: the log is
 * synchronised in the background, then copied into the file, then the file is synchronised, and nothing is written
 * meanwhile. So the file is sound after a loss of power at any moment, and no step stalls the thread.
 *
 * @throws FaultError of StoreFault when the store cannot be opened
 */
export function createSeriesDriver(
  deps: { readonly clock: Clock },
  options: SeriesEngineOptions,
): SeriesDriver {
  const { clock } = deps
  const engine = createSeriesEngine(options)
  const disk = createDisk(options.path)
  const idOf: (number | undefined)[] = []
  let queue: Promise<unknown> = Promise.resolve()
  let syncedAt = clock.monotonicMs()
  let busy = false
  let closed = false
  /** Of the work after an append, which was kept all the same: the next append says it. */
  let trouble: unknown

  /** Writers go one after the other; a failure of one is not the next one's. */
  const inTurn = <T>(work: () => Promise<T> | T): Promise<T> => {
    const result = queue.then(work)
    queue = result.catch(() => {})
    return result
  }

  const settle = async (): Promise<void> => {
    if (busy || closed) return
    busy = true
    try {
      while (!closed && (await inTurn(() => engine.work(clock.now())))) await nextTurn()
      if (!closed) await inTurn(() => keepSafe(engine, disk, clock.monotonicMs() - syncedAt >= SYNC_EVERY_MS))
      if (clock.monotonicMs() - syncedAt >= SYNC_EVERY_MS) syncedAt = clock.monotonicMs()
    } finally {
      busy = false
    }
  }

  return {
    async append(added, batch) {
      const refused = await inTurn(() => {
        if (trouble !== undefined) {
          const error = trouble
          trouble = undefined
          throw error
        }
        const none = added.filter(({ handle, info }) => {
          idOf[handle] = engine.register(info, clock.now())
          return idOf[handle] === undefined
        })
        engine.append(translated(batch, idOf), clock.now())
        return none.map(({ handle }) => handle)
      })
      try {
        await settle()
      } catch (error) {
        trouble = error
      }
      return refused
    },
    list: async () => engine.list(),
    query: async (key, query) => engine.query(key, query, clock.now()),
    appendChanges: (changes) => inTurn(() => engine.appendChanges(changes)),
    stateAt: async (at) => engine.stateAt(at),
    changes: async (from, until, limit) => engine.changes(from, until, limit),
    usedBytes: async () => engine.usedBytes(),
    async close() {
      if (closed) return
      closed = true
      await queue
      engine.close()
      await disk.close()
    },
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The same batch by the numbers of the store, without the series that there is no room for. */
function translated({ series, ats, values }: Batch, idOf: readonly (number | undefined)[]): Batch {
  const ids = series.map((handle) => idOf[handle] ?? -1)
  if (!ids.includes(-1)) return { series: ids, ats, values }
  const kept = (_: number, n: number): boolean => ids[n] !== -1
  return { series: ids.filter(kept), ats: ats.filter(kept), values: values.filter(kept) }
}

async function keepSafe(engine: SeriesEngine, disk: Disk, due: boolean): Promise<void> {
  const full = engine.logBytes() >= COPY_LOG_BYTES
  if (!full && !due) return
  await disk.syncLog()
  if (!full) return
  if (!engine.copyLog()) return
  await disk.syncFile()
}

/** The two files, to synchronise them off this thread. They stay open: closing one would drop SQLite's locks on it. */
interface Disk {
  syncLog(): Promise<void>
  syncFile(): Promise<void>
  close(): Promise<void>
}

function createDisk(path: string): Disk {
  let file: FileHandle | undefined
  let log: FileHandle | undefined
  const logHandle = async (): Promise<FileHandle> => {
    log ??= await open(`${path}-wal`, 'r+')
    return log
  }
  return {
    syncLog: async () => await (await logHandle()).datasync(),
    async syncFile() {
      file ??= await open(path, 'r+')
      await file.datasync()
    },
    async close() {
      await log?.close()
      await file?.close()
    },
  }
}
