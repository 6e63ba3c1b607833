import type { MeshChange, MeshState } from '../../domain/mesh-history.ts'
import {
  type SeriesAnswer,
  type SeriesInfo,
  type SeriesQuery,
  type StoredSeries,
  seriesKey,
} from '../../domain/series.ts'
import type { Clock } from '../../platform/clock.ts'
import { createEmitter, type Emitter } from '../../platform/emitter.ts'
import { hasCode, messageOf } from '../../platform/error.ts'
import type { Lifecycle } from '../../platform/lifecycle.ts'
import type { Logger } from '../../platform/logger.ts'
import { setAsideStore } from '../set-aside.ts'
import { createPendingSamples } from './pending-samples.ts'
import { createSeriesDriver, type Registration, type SeriesDriver } from './series-driver.ts'
import type { SeriesEngineOptions } from './series-engine.ts'
import { createThreadDriver } from './thread-driver.ts'

export interface SeriesEvents {
  /** It could not be written; said again only when the reason changes. Samples are kept as far as there is room. */
  fault: { readonly code: string; readonly message: string }
  recovered: { readonly dropped: number }
  /** A damaged one was moved away and a new one begun. */
  setAside: { readonly path: string }
}

export interface SeriesStats {
  readonly dropped: number
  /** Series that there was no room for. */
  readonly refused: number
  readonly thread: 'own' | 'shared'
  readonly usedBytes: number
}

/** Series of samples and the history of the mesh, in a file of their own: bulk that never delays what must not be lost. */
export interface SeriesStore extends Lifecycle {
  readonly events: Emitter<SeriesEvents>
  /** Begins to write a series: the number to add its samples under. The same series has the same number. */
  open(info: SeriesInfo): number
  /** Takes nothing but memory. What is no finite number is left out. */
  add(series: number, at: number, value: number): void
  list(): Promise<readonly StoredSeries[]>
  query(key: string, query: SeriesQuery): Promise<SeriesAnswer | undefined>
  recordChanges(changes: readonly MeshChange[]): void
  stateAt(at: number): Promise<MeshState | undefined>
  changes(from: number, until: number, limit: number): Promise<readonly MeshChange[]>
  stats(): Promise<SeriesStats>
  /** Writes what waits. Resolves also when that fails: see the events. */
  flush(): Promise<void>
}

export interface SeriesStoreDeps {
  readonly clock: Clock
  readonly logger: Logger
}

export interface SeriesStoreOptions extends SeriesEngineOptions {
  /** The entry that calls `serveSeries`; without it everything stays on this thread. */
  readonly threadProgram: URL | undefined
}

const FLUSH_EVERY_MS = 1_000
/** Flushed earlier at this many: a batch stays small. */
const EARLY_FLUSH = 32_768
const MAX_PENDING = 262_144
const MAX_PENDING_CHANGES = 5_000
/**
 * A flush of so many takes this thread about 3 ms. A thread of its own costs 15 MB, so it is for nodes that have more;
 * once started it stays, because what came once comes again.
 */
const THREAD_FROM = 5_000
const THREAD_OPEN_SAMPLES = 262_144
const MAX_RETRY_MS = 10_000
/** The number of a series that nobody keeps. */
const NO_SERIES = -1

export function createSeriesStore(
  { clock, logger }: SeriesStoreDeps,
  { threadProgram, ...options }: SeriesStoreOptions,
): SeriesStore {
  const events = createEmitter<SeriesEvents>((error) => {
    logger.error('a listener to the series failed', { error: messageOf(error) })
  })
  const pending = createPendingSamples(MAX_PENDING)
  const handles = new Map<string, Registration>()
  let added: Registration[] = []
  let changes: MeshChange[] = []
  let driver: SeriesDriver | undefined
  let onThread = false
  let refused = 0
  let failing: string | undefined
  let retryMs = FLUSH_EVERY_MS
  let notBefore = 0
  let flushing: Promise<void> | undefined
  let cancelTimer: (() => void) | undefined

  const opened = async (): Promise<SeriesDriver> => {
    driver ??=
      onThread && threadProgram !== undefined
        ? await createThreadDriver(threadProgram, { ...options, maxOpenSamples: THREAD_OPEN_SAMPLES })
        : createSeriesDriver({ clock }, options)
    return driver
  }
  const dropDriver = async (): Promise<void> => {
    const old = driver
    driver = undefined
    added = [...handles.values()]
    try {
      await old?.close()
    } catch (error) {
      logger.warn('the store of series did not close cleanly', { error: messageOf(error) })
    }
  }

  const write = async (): Promise<void> => {
    if (!onThread && threadProgram !== undefined && pending.length >= THREAD_FROM) {
      onThread = true
      logger.info('the series get a thread of their own', { samples: pending.length })
      await dropDriver()
    }
    const [news, batch, changed] = [added, pending.take(), changes]
    added = []
    changes = []
    let written = false
    try {
      const store = await opened()
      if (batch.ats.length > 0 || news.length > 0) refused += (await store.append(news, batch)).length
      written = true
      if (changed.length > 0) await store.appendChanges(changed)
      await succeeded()
    } catch (error) {
      if (!written) {
        pending.putBack(batch)
        added = [...news, ...added]
      }
      changes = [...changed, ...changes].slice(-MAX_PENDING_CHANGES)
      await failed(error)
    }
  }

  const succeeded = async (): Promise<void> => {
    retryMs = FLUSH_EVERY_MS
    if (failing === undefined) return
    failing = undefined
    logger.info('the series are written again', { dropped: pending.dropped })
    events.emit('recovered', { dropped: pending.dropped })
  }

  const failed = async (error: unknown): Promise<void> => {
    const code = hasCode(
      error,
      'STORE_CORRUPT',
      'STORE_FOREIGN',
      'STORE_IO',
      'STORE_FULL',
      'STORE_LOCKED',
      'STORE_READ_ONLY',
      'STORE_UNREADABLE',
      'STORE_NEWER',
    )
      ? error.code
      : 'STORE_FAILED'
    notBefore = clock.monotonicMs() + retryMs
    retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)
    if (code !== 'STORE_FULL' && code !== 'STORE_LOCKED') await dropDriver()
    if (code === 'STORE_CORRUPT') return beginAnew(error)
    if (failing !== code) {
      logger.error('the series cannot be written', { code, error: messageOf(error) })
      events.emit('fault', { code, message: messageOf(error) })
    }
    failing = code
  }

  /** Nothing in it is needed to be a member: history is lost, and nothing else. */
  const beginAnew = (error: unknown): void => {
    try {
      const path = setAsideStore({ clock }, options.path, 'corrupt')
      logger.error('the store of series was damaged and is set aside', { path, error: messageOf(error) })
      notBefore = 0
      events.emit('setAside', { path })
    } catch (moving) {
      failing = 'STORE_CORRUPT'
      events.emit('fault', { code: 'STORE_CORRUPT', message: `${messageOf(error)}; ${messageOf(moving)}` })
    }
  }

  const flush = (): Promise<void> => {
    flushing ??= write().finally(() => {
      flushing = undefined
    })
    return flushing
  }
  const flushSoon = (): void => {
    if (clock.monotonicMs() >= notBefore) void flush()
  }
  const tick = (): void => {
    cancelTimer = clock.after(FLUSH_EVERY_MS, tick)
    if (pending.length > 0 || added.length > 0 || changes.length > 0) flushSoon()
  }
  /** A query sees what was added before it, and a damaged file is found by whoever reads it first. */
  const reading = async <T>(read: (store: SeriesDriver) => Promise<T>): Promise<T> => {
    if (clock.monotonicMs() >= notBefore) await flush()
    try {
      return await read(await opened())
    } catch (error) {
      if (hasCode(error, 'STORE_CORRUPT')) await failed(error)
      throw error
    }
  }

  return {
    events,
    async start() {
      cancelTimer ??= clock.after(FLUSH_EVERY_MS, tick)
    },
    async stop() {
      cancelTimer?.()
      cancelTimer = undefined
      await flushing
      if (pending.length > 0 || changes.length > 0) await flush()
      await dropDriver()
    },
    open(info) {
      const key = seriesKey(info)
      const found = handles.get(key)
      if (found !== undefined) return found.handle
      if (handles.size >= options.maxSeries * 2) return NO_SERIES
      const registration = { handle: handles.size, info }
      handles.set(key, registration)
      added.push(registration)
      return registration.handle
    },
    add(series, at, value) {
      if (series === NO_SERIES || !Number.isFinite(value)) return
      pending.add(series, Math.round(at), value)
      if (pending.length >= EARLY_FLUSH && flushing === undefined) flushSoon()
    },
    list: () => reading((store) => store.list()),
    query: (key, query) => reading((store) => store.query(key, query)),
    recordChanges(more) {
      changes = [...changes, ...more].slice(-MAX_PENDING_CHANGES)
    },
    stateAt: (at) => reading((store) => store.stateAt(at)),
    changes: (from, until, limit) => reading((store) => store.changes(from, until, limit)),
    stats: () =>
      reading(async (store) => ({
        dropped: pending.dropped,
        refused,
        thread: onThread ? 'own' : 'shared',
        usedBytes: await store.usedBytes(),
      })),
    flush,
  }
}
