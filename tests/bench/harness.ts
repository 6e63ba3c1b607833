/**
 * What every benchmark and evaluation shares: options, an interleaved run that resumes after a stop, and one report.
 *
 *     -- --json FILE   the report as JSON; also where a stopped run goes on
 *        --n N         repetitions
 *        --seed S      order of the cases in each round
 *        --only a,b    cases whose name contains one of these
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { probeCapabilities } from '../../node-core/noise-hfs/probe.ts'
import { type SummaryRow, table } from './table.ts'

export interface Metric {
  /** What is measured, e.g. `connect stock noise`. Unique; the key of the samples. */
  readonly metric: string
  readonly unit: 'ms' | 'us' | 's' | 'MB/s' | 's/GB' | 'x' | 'bytes' | 'count' | 'lost' | '%' | 'MB' | '1/s'
  /** Of another metric of the same run: adds a row with the ratio of the two. */
  readonly comparedTo?: string
}

export interface BenchCase extends Metric {
  /** What the same measurement tells besides. */
  readonly further?: readonly Metric[]
  /** How often it runs in proportion to `--n`. Default 1. */
  readonly share?: number
  /** One measurement: the figure, or that and the further ones in their order. NaN is left out. */
  sample(): Promise<number | readonly number[]>
}

export interface BenchOptions {
  readonly name: string
  readonly defaultN: number
  /** Rounds that are run first and thrown away. */
  readonly warmup: number
}

export interface Report {
  readonly name: string
  readonly commit: string
  readonly machine: string
  /** When it ended, ISO 8601. */
  readonly date: string
  /** What a reader has to know: what was not run, and why. */
  readonly notes: readonly string[]
  readonly summary: readonly SummaryRow[]
  readonly samples: Readonly<Record<string, readonly number[]>>
}

const DEFAULT_SEED = 1
const SAVE_EVERY_MS = 2_000
/** Per core, of the last minute: below it nobody else works here. */
const QUIET_LOAD = 0.75

const progressSchema = z.object({
  key: z.string(),
  round: z.int(),
  samples: z.record(z.string(), z.array(z.number())),
})
type Progress = z.infer<typeof progressSchema>

interface Arguments {
  readonly json: string | undefined
  readonly n: number
  readonly seed: number
  readonly only: readonly string[]
}

function readArguments(argv: readonly string[], defaultN: number): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: 'string' },
      n: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
    },
  })
  const whole = (text: string | undefined, fallback: number, least: number): number => {
    const value = text === undefined ? fallback : Number(text)
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`expected a whole number, got ${text}`)
    return value
  }
  return {
    json: values.json,
    n: whole(values.n, defaultN, 1),
    seed: whole(values.seed, DEFAULT_SEED, 0),
    only: values.only?.split(',').filter((part) => part !== '') ?? [],
  }
}

/** Stock parts and ours are compared with native code under both, or not at all. */
export function assertNativeCrypto(): void {
  const { dh, kem, hash, aead } = probeCapabilities()
  const found = { dh, kem, hash, ...aead }
  const missing = Object.entries(found).filter(([, implementation]) => implementation !== 'native')
  if (missing.length > 0) {
    throw new Error(
      `no native ${missing.map(([part]) => part).join(', ')} here: nothing would be compared fairly`,
    )
  }
}

/** mulberry32: a small seeded generator, for the order of cases alone. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function shuffled<T>(items: readonly T[], unit: () => number): T[] {
  const copy = [...items]
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(unit() * (i + 1))
    const [a, b] = [copy[i], copy[j]]
    if (a !== undefined && b !== undefined) [copy[i], copy[j]] = [b, a]
  }
  return copy
}

/** Whether a case with this share runs in this round: in the first, and spread evenly over the others. */
const runsIn = (round: number, share: number): boolean =>
  Math.ceil((round + 1) * share) > Math.ceil(round * share)

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at))
}

const metricsOf = (bench: BenchCase): readonly Metric[] => [bench, ...(bench.further ?? [])]

function summarise(cases: readonly BenchCase[], samples: Report['samples']): SummaryRow[] {
  const metrics = cases.flatMap(metricsOf)
  const rows = metrics.map(({ metric, unit }) => {
    const values = samples[metric] ?? []
    // The 95th percentile of a rate is its slow end, as it is of a time.
    const [slow, worst] = unit === 'MB/s' ? [0.05, 0] : [0.95, 1]
    return {
      ...{ metric, unit, median: quantile(values, 0.5), p95: quantile(values, slow) },
      ...{ worst: quantile(values, worst), n: values.length },
    }
  })
  const rowOf = (metric: string): SummaryRow | undefined => rows.find((row) => row.metric === metric)
  const ratios = metrics.flatMap(({ metric, comparedTo }) => {
    const [mine, other] = [rowOf(metric), comparedTo === undefined ? undefined : rowOf(comparedTo)]
    if (mine === undefined || other === undefined || mine.n === 0 || other.n === 0) return []
    const [median, p95, worst] = [mine.median / other.median, mine.p95 / other.p95, mine.worst / other.worst]
    return [{ metric: `${metric} / ${comparedTo}`, unit: 'x', median, p95, worst, n: mine.n }]
  })
  return [...rows, ...ratios]
}

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

export function commitOf(): string {
  const commit = git('rev-parse', '--short=12', 'HEAD')
  if (commit === '') return 'unknown'
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+changes`
}

export function machineOf(): string {
  const [cpu] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${cpus().length} x ${cpu?.model.trim() ?? 'unknown CPU'}, ${memory}, ${process.platform}, Node ${process.version}`
}

/** Figures of a machine that does something else are worse, and their reader has to know. */
export function loadNote(when: string): readonly string[] {
  const [load = 0] = loadavg()
  const cores = cpus().length
  return load < QUIET_LOAD * cores
    ? []
    : [`The machine was busy ${when}: a load of ${load.toFixed(1)} on ${cores} cores.`]
}

/** Where a run that was stopped left off. Only the same run goes on: same cases, seed, repetitions and commit. */
function progressFile(
  options: BenchOptions,
  args: Arguments,
  key: string,
): { path: string; load(): Progress } {
  const path =
    args.json === undefined ? join(tmpdir(), `x0t-bench-${options.name}-${key}.json`) : `${args.json}.partial`
  const fresh: Progress = { key, round: 0, samples: {} }
  return {
    path,
    load() {
      if (!existsSync(path)) return fresh
      try {
        const found = progressSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
        return found.key === key ? found : fresh
      } catch {
        return fresh
      }
    },
  }
}

function writeWhole(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(value)}\n`)
  renameSync(temporary, path)
}

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** Runs the cases, interleaved, and prints the report. `setUp` gets a filter so that it starts only what is wanted. */
export async function runBench(
  options: BenchOptions,
  setUp: (
    wanted: (metric: string) => boolean,
  ) => Promise<{ cases: readonly BenchCase[]; notes?: readonly string[]; close(): Promise<void> }>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<Report> {
  const args = readArguments(argv, options.defaultN)
  const wanted = (metric: string): boolean =>
    args.only.length === 0 || args.only.some((part) => metric.includes(part))
  assertNativeCrypto()
  const { cases: all, notes: setUpNotes = [], close } = await setUp(wanted)
  const cases = all.filter((bench) => metricsOf(bench).some(({ metric }) => wanted(metric)))
  if (cases.length === 0) throw new RangeError(`--only ${args.only.join(',')} names no case`)
  try {
    const commit = commitOf()
    const busyBefore = loadNote('when it began')
    const samples = await runRounds(options, args, cases, commit)
    const report = {
      name: options.name,
      commit,
      machine: machineOf(),
      date: new Date().toISOString(),
      notes: [...setUpNotes, ...busyBefore],
      summary: summarise(cases, samples),
      samples,
    }
    if (args.json !== undefined) writeWhole(args.json, report)
    process.stdout.write(
      `${[`${options.name}, ${commit}, ${report.machine}`, ...report.notes, table(report.summary)].join('\n')}\n`,
    )
    return report
  } finally {
    await close()
  }
}

async function runRounds(
  options: BenchOptions,
  args: Arguments,
  cases: readonly BenchCase[],
  commit: string,
): Promise<Report['samples']> {
  const identity = JSON.stringify([
    options.name,
    commit,
    args.seed,
    args.n,
    cases.flatMap(metricsOf).map(({ metric }) => metric),
  ])
  const key = createHash('sha256').update(identity).digest('hex').slice(0, 16)
  const file = progressFile(options, args, key)
  const progress = file.load()
  if (progress.round > 0) say(`going on at round ${progress.round + 1} of ${args.n}`)
  for (let round = 0; round < options.warmup; round += 1) {
    for (const bench of cases) if ((bench.share ?? 1) >= 1 || round === 0) await bench.sample()
  }
  let savedMs = performance.now()
  for (let round = progress.round; round < args.n; round += 1) {
    // Seeded by the round, so that a run that goes on has the order it would have had.
    for (const bench of shuffled(cases, seeded(args.seed * 1_000_003 + round))) {
      if (!runsIn(round, bench.share ?? 1)) continue
      const figures = [await bench.sample()].flat()
      for (const [at, { metric }] of metricsOf(bench).entries()) {
        const figure = figures[at]
        progress.samples[metric] ??= []
        if (figure !== undefined && Number.isFinite(figure)) progress.samples[metric]?.push(figure)
      }
    }
    progress.round = round + 1
    if (performance.now() - savedMs > SAVE_EVERY_MS) {
      writeWhole(file.path, progress)
      savedMs = performance.now()
      say(`round ${progress.round} of ${args.n}`)
    }
  }
  rmSync(file.path, { force: true })
  return progress.samples
}
