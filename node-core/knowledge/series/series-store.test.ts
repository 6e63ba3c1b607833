import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startInline } from '../../../tests/helpers/inline-process.ts'
import type { NodeName, PeerId } from '../../domain/ids.ts'
import { changesBetween, EMPTY_MESH, type MeshState } from '../../domain/mesh-history.ts'
import { type SeriesInfo, type SeriesPoint, seriesKey } from '../../domain/series.ts'
import { type Clock, systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { createSeriesDriver } from './series-driver.ts'
import { createSeriesStore, type SeriesStore, type SeriesStoreOptions } from './series-store.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A full hour, so that spans are easy to read; a recent one, because other processes of these tests have a real clock. */
const T0 = Math.floor(Date.now() / HOUR_MS) * HOUR_MS
const PEER = (n: number): PeerId =>
  `12D3KooW${'A'.repeat(42)}${'ABCDEFGH'[n % 8]}${'ABCDEFGH'[n >> 3]}` as PeerId
const infoOf = (n: number): SeriesInfo => ({
  metric: 'link.rtt',
  subject: { kind: 'node', peer: PEER(n) },
  unit: 'ms',
  kind: 'measured',
})

let folder = ''
let path = ''
let nowMs = T0
const clock: Clock = { ...systemClock, now: () => nowMs }
let opened: { stop(): Promise<void> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'x0t-series-'))
  path = join(folder, 'series.db')
  nowMs = T0
})
afterEach(async () => {
  for (const store of opened) await store.stop()
  opened = []
  rmSync(folder, { recursive: true, force: true })
})

const options = (over: Partial<SeriesStoreOptions> = {}): SeriesStoreOptions => ({
  path,
  retention: { rawMs: DAY_MS, minuteMs: 30 * DAY_MS, hourMs: 365 * DAY_MS },
  maxBytes: 64 * 1024 * 1024,
  maxSeries: 64,
  maxOpenSamples: 500,
  threadProgram: undefined,
  ...over,
})
const open = (over: Partial<SeriesStoreOptions> = {}): SeriesStore => {
  const store = createSeriesStore({ clock, logger: silentLogger }, options(over))
  opened.push(store)
  return store
}
const all = { from: T0 - DAY_MS, until: T0 + DAY_MS, maxPoints: 10_000 }
const valuesOf = (points: readonly SeriesPoint[] | undefined) => points?.map(({ at, mean }) => [at, mean])

describe('series', () => {
  it('answers what was added, raw and rolled up, whether it is folded or not, over restarts', async () => {
    const batches = fc.array(
      fc.array(fc.tuple(fc.nat(2), fc.nat(2 * HOUR_MS), fc.integer({ min: -50, max: 50 })), {
        maxLength: 120,
      }),
      { minLength: 1, maxLength: 6 },
    )
    let run = 0
    const check = async (rounds: readonly (readonly [number, number, number])[][]): Promise<void> => {
      run += 1
      const at = { path: join(folder, `${run}.db`), maxOpenSamples: 100 }
      let store = open(at)
      for (const [n, round] of rounds.entries()) {
        for (const [series, offset, value] of round)
          store.add(store.open(infoOf(series)), T0 + offset, value / 4)
        await store.flush()
        if (n % 2 === 1) {
          await store.stop()
          store = open(at)
        }
      }
      for (const series of [0, 1, 2]) {
        const mine = rounds.flat().filter(([id]) => id === series)
        const raw = await store.query(seriesKey(infoOf(series)), { ...all, resolution: 'raw' })
        expect(raw?.points.length ?? 0).toBe(mine.length)
        expect(raw?.points.map(({ at: when, mean }) => `${when} ${mean}`).toSorted() ?? []).toEqual(
          mine.map(([, offset, value]) => `${T0 + offset} ${value / 4}`).toSorted(),
        )
        for (const [resolution, spanMs] of [
          ['1m', 60_000],
          ['1h', HOUR_MS],
        ] as const) {
          const answer = await store.query(seriesKey(infoOf(series)), { ...all, resolution })
          const spans = Map.groupBy(mine, ([, offset]) => Math.floor(offset / spanMs) * spanMs)
          expect(
            answer?.points.map(({ at: when, min, max, count }) => [when, min, max, count]) ?? [],
          ).toEqual(
            [...spans]
              .toSorted(([a], [b]) => a - b)
              .map(([start, group]) => {
                const values = group.map(([, , value]) => value / 4)
                return [T0 + start, Math.min(...values), Math.max(...values), values.length]
              }),
          )
        }
      }
      await store.stop()
    }
    await fc.assert(fc.asyncProperty(batches, check), { numRuns: 20 })
  })

  it('chooses a resolution that fits the chart, and says which', async () => {
    const store = open({ maxOpenSamples: 50_000 })
    const id = store.open(infoOf(1))
    for (let n = 0; n < 20_000; n += 1) store.add(id, T0 - 20_000 * 2_000 + n * 2_000, n)
    const key = seriesKey(infoOf(1))
    const ask = async (spanMs: number, maxPoints: number) => {
      const answer = await store.query(key, { from: T0 - spanMs, until: T0, maxPoints })
      return [answer?.resolution, answer?.points.length]
    }
    expect(await ask(600_000, 1_000)).toEqual(['raw', 300])
    expect(await ask(8 * HOUR_MS, 1_000)).toEqual(['1m', 480])
    expect(await ask(8 * HOUR_MS, 100)).toEqual(['1m', 100])
    expect(await ask(8 * HOUR_MS, 10)).toEqual(['1h', 8])
    expect((await store.query(key, all))?.info).toEqual(infoOf(1))
    expect(await store.query('nothing', all)).toBeUndefined()
    expect((await store.list()).map((series) => series.key)).toEqual([key])
  })

  it('forgets raw samples after their time and keeps their rollups', async () => {
    const store = open({ maxOpenSamples: 10 })
    const id = store.open(infoOf(1))
    for (let n = 0; n < 100; n += 1) store.add(id, T0 + n * 1_000, n)
    await store.flush()
    nowMs = T0 + 2 * DAY_MS
    for (let n = 0; n < 20; n += 1) store.add(id, nowMs + n, n)
    await store.flush()
    const old = { from: T0, until: T0 + HOUR_MS, maxPoints: 100 }
    expect((await store.query(seriesKey(infoOf(1)), { ...old, resolution: 'raw' }))?.points).toEqual([])
    const rolled = await store.query(seriesKey(infoOf(1)), old)
    expect(rolled).toMatchObject({ resolution: '1m' })
    expect(rolled?.points).toEqual([
      { at: T0, min: 0, max: 59, mean: 29.5, count: 60 },
      { at: T0 + 60_000, min: 60, max: 99, mean: 79.5, count: 40 },
    ])
  })

  it('keeps to its size under load by dropping the oldest raw samples first', async () => {
    const maxBytes = 1024 * 1024
    const store = open({ maxBytes, maxOpenSamples: 20_000 })
    const id = store.open(infoOf(1))
    let at = T0
    for (let round = 0; round < 30; round += 1) {
      for (let n = 0; n < 20_001; n += 1) {
        at += 60
        // The bits of a root are noise: nothing packs them.
        store.add(id, at, Math.sqrt(at % 7919))
      }
      nowMs = at
      await store.flush()
    }
    const { usedBytes } = await store.stats()
    expect(usedBytes).toBeLessThan(maxBytes * 1.25)
    const key = seriesKey(infoOf(1))
    const first = async (resolution: 'raw' | '1m') =>
      (await store.query(key, { from: T0, until: at + 1, maxPoints: 1e6, resolution }))?.points[0]?.at ?? 0
    expect(await first('1m')).toBe(T0)
    expect(
      (await store.query(key, { from: at - 60_000, until: at + 1, maxPoints: 1e6, resolution: 'raw' }))
        ?.points.length,
    ).toBeGreaterThan(900)
    const [oldest] = new Database(path, { readonly: true })
      .prepare<[], { start: number }>('SELECT min(start) AS start FROM blocks')
      .all()
    expect(oldest?.start).toBeGreaterThan(T0 + HOUR_MS)
  })

  it('has a limit for the number of series, and gives the place of one that is out of use', async () => {
    const store = open({ maxSeries: 4 })
    for (let n = 0; n < 6; n += 1) store.add(store.open(infoOf(n)), T0, n)
    await store.flush()
    expect(await store.stats()).toMatchObject({ refused: 2 })
    expect(await store.list()).toHaveLength(4)
    nowMs = T0 + 2 * DAY_MS
    store.add(store.open(infoOf(7)), nowMs, 1)
    await store.flush()
    const keys = (await store.list()).map(({ key }) => key)
    expect(keys).toHaveLength(4)
    expect(keys).toContain(seriesKey(infoOf(7)))
    // However many are opened, the memory for them is bounded.
    expect(Array.from({ length: 40 }, (_, n) => store.open(infoOf(n))).at(-1)).toBe(-1)
  })

  it('gets a thread of its own under load, with nothing lost on the way', async () => {
    const threadProgram = new URL('../../app/entries/series.ts', import.meta.url)
    const store = open({ threadProgram, maxOpenSamples: 1_000 })
    const id = store.open(infoOf(1))
    store.add(id, T0, -1)
    await store.flush()
    expect(await store.stats()).toMatchObject({ thread: 'shared' })
    for (let n = 1; n <= 20_000; n += 1) store.add(id, T0 + n, n % 100)
    await store.flush()
    expect(await store.stats()).toMatchObject({ thread: 'own', dropped: 0 })
    const answer = await store.query(seriesKey(infoOf(1)), { ...all, resolution: '1h' })
    expect(answer?.points).toMatchObject([{ at: T0, min: -1, max: 99, count: 20_001 }])
    await store.stop()
    const after = await open().query(seriesKey(infoOf(1)), { ...all, resolution: '1h' })
    expect(after?.points).toEqual(answer?.points)
  })
})

describe('the history of the mesh', () => {
  it('says how it was at any moment, and what changed between two', async () => {
    const name = (n: number) => `n${n}` as NodeName
    const states = Array.from(
      { length: 40 },
      (_, step): MeshState => ({
        nodes: [1, 2, 3].flatMap((n) =>
          step % (n + 2) === 0 ? [] : [{ peer: PEER(n), name: name(n), reachable: step % n > 0 }],
        ),
        links:
          step % 4 === 0
            ? []
            : [{ ends: [PEER(1), PEER(2)], state: step % 3 > 0 ? 'up' : 'down', costMs: step * 20 }],
      }),
    )
    const store = open()
    let before = EMPTY_MESH
    for (const [step, state] of states.entries()) {
      store.recordChanges(changesBetween(before, state, T0 + step * 60_000))
      await store.flush()
      before = state
    }
    const again = open()
    for (const [step, state] of states.entries()) {
      const found = await again.stateAt(T0 + step * 60_000 + 59_999)
      expect(changesBetween(found ?? EMPTY_MESH, state, 0)).toEqual([])
    }
    expect(await again.stateAt(T0 - 1)).toBeUndefined()
    const changes = await again.changes(T0 + 60_000, T0 + 180_000, 100)
    expect(new Set(changes.map(({ at }) => (at - T0) / 60_000))).toEqual(new Set([2, 1]))
  })

  it('takes a small move of a cost for the same state', () => {
    const link = (costMs: number): MeshState => ({
      nodes: [],
      links: [{ ends: [PEER(1), PEER(2)], state: 'up', costMs }],
    })
    expect(changesBetween(link(10), link(14), 0)).toEqual([])
    expect(changesBetween(link(100), link(140), 0)).toEqual([])
    expect(changesBetween(link(100), link(160), 0)).toHaveLength(1)
  })
})

describe('a store of series that fails', () => {
  it('is set aside when it is damaged, and a new one begun', async () => {
    writeFileSync(path, 'x'.repeat(100_000))
    const store = open()
    const moved: string[] = []
    store.events.on('setAside', ({ path: target }) => moved.push(target))
    store.add(store.open(infoOf(1)), T0, 1)
    await store.flush()
    await store.flush()
    expect(moved).toHaveLength(1)
    expect(statSync(moved[0] ?? '').size).toBe(100_000)
    expect(valuesOf((await store.query(seriesKey(infoOf(1)), all))?.points)).toEqual([[T0, 1]])
  })

  it('is set aside when damage shows in the middle', async () => {
    const store = open({ maxOpenSamples: 10 })
    const id = store.open(infoOf(1))
    for (let n = 0; n < 50; n += 1) store.add(id, T0 + n, n)
    await store.flush()
    const other = new Database(path)
    other.exec("UPDATE blocks SET data = x'ff'")
    other.close()
    await expect(store.query(seriesKey(infoOf(1)), { ...all, resolution: 'raw' })).rejects.toThrow('damaged')
    expect(readdirSync(folder).some((name) => name.includes('corrupt'))).toBe(true)
    store.add(id, T0, 7)
    await store.flush()
    expect(valuesOf((await store.query(seriesKey(infoOf(1)), all))?.points)).toEqual([[T0, 7]])
  })

  it('keeps its samples while another program holds the file, and says so once', async () => {
    const store = open()
    const said: string[] = []
    store.events.on('fault', ({ code }) => said.push(code))
    store.events.on('recovered', () => said.push('recovered'))
    const id = store.open(infoOf(1))
    store.add(id, T0, 1)
    await store.flush()
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    for (const n of [1, 2]) {
      store.add(id, T0 + n, n)
      await store.flush()
    }
    other.exec('ROLLBACK')
    other.close()
    await store.flush()
    expect(said).toEqual(['STORE_LOCKED', 'recovered'])
    expect(valuesOf((await store.query(seriesKey(infoOf(1)), all))?.points)).toEqual([
      [T0, 1],
      [T0 + 1, 1],
      [T0 + 2, 2],
    ])
  })

  it('goes on after a full disk, without what had no room in memory', async () => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      // Only root may mount: elsewhere the limit of the database stands in for the disk's.
      return await fullByLimit()
    }
    try {
      const store = open()
      const said: string[] = []
      store.events.on('fault', ({ code }) => said.push(code))
      const ballast = join(folder, 'ballast')
      const id = store.open(infoOf(1))
      store.add(id, T0, 1)
      await store.flush()
      writeFileSync(ballast, new Uint8Array(256 * 1024))
      let at = T0
      for (let round = 0; round < 20 && said.length === 0; round += 1) {
        for (let n = 0; n < 4_000; n += 1) store.add(id, ++at, Math.sqrt(at))
        await store.flush()
      }
      expect(said).toEqual(['STORE_FULL'])
      rmSync(ballast)
      await store.flush()
      await store.flush()
      const last = await store.query(seriesKey(infoOf(1)), { from: at - 10, until: at + 1, maxPoints: 99 })
      expect(last?.points.at(-1)?.at).toBe(at)
      await store.stop()
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })

  async function fullByLimit(): Promise<void> {
    const store = open({ maxBytes: 64 * 1024 })
    const id = store.open(infoOf(1))
    for (let n = 0; n < 20_000; n += 1) store.add(id, T0 + n, Math.sqrt(n))
    await store.flush()
    store.add(id, T0 + 30_000, 1)
    await store.flush()
    expect((await store.stats()).usedBytes).toBeLessThan(64 * 1024 * 1.5)
  }
})

describe('a process that is killed while it writes series', () => {
  const ROUNDS = 4
  const imports = {
    createSeriesDriver: new URL('./series-driver.ts', import.meta.url),
    systemClock: new URL('../../platform/clock.ts', import.meta.url),
  }
  // Appends ten samples at a time and says the last one only when the store took them; folds all the time.
  const code = `
    const { writeSync } = process.getBuiltinModule('node:fs')
    const options = JSON.parse(process.argv[1])
    const driver = createSeriesDriver({ clock: systemClock }, options)
    const infos = options.infos.map((info, handle) => ({ handle, info }))
    for (let n = options.from; ; n += 10) {
      const ats = Float64Array.from({ length: 10 }, (_, k) => options.t0 + n + k)
      await driver.append(n === options.from ? infos : [], { series: Int32Array.from(ats, (at) => at % 3), ats, values: ats.map((at) => at % 1000) })
      writeSync(1, (n + 9) + '\\n')
    }`

  it('loses nothing that was taken, and has nothing twice', async () => {
    let next = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const infos = [0, 1, 2].map(infoOf)
      const argument = { ...options({ maxOpenSamples: 40 }), infos, t0: T0, from: next }
      const writer = startInline(imports, code, [JSON.stringify(argument)])
      let said = -1
      for (let n = 0; n < 3 + round * 17; n += 1) said = Number(await writer.line())
      const rest = writer.drain()
      await writer.kill()
      said = Math.max(said, ...(await rest).map(Number))
      const driver = createSeriesDriver({ clock }, options())
      const ats: number[] = []
      for (const series of [0, 1, 2]) {
        const query = { from: T0, until: T0 + DAY_MS, maxPoints: 1e9, resolution: 'raw' } as const
        const points = (await driver.query(seriesKey(infoOf(series)), query))?.points ?? []
        ats.push(...points.map(({ at }) => at - T0))
        const minutes = await driver.query(seriesKey(infoOf(series)), { ...query, resolution: '1h' })
        expect(minutes?.points.reduce((sum, { count }) => sum + count, 0)).toBe(points.length)
      }
      await driver.close()
      ats.sort((a, b) => a - b)
      expect(ats).toEqual(ats.map((_, n) => n))
      expect(ats.length).toBeGreaterThan(said)
      next = ats.length
    }
  })
})
