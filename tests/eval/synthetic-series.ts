/** Labelled series made from a seed: the test bed of the detectors. None of them is taken from anywhere. */
export interface LabelledSeries {
  readonly name: string
  readonly at: Float64Array
  readonly values: Float64Array
  /** First and last row of each anomaly's window. */
  readonly windows: readonly (readonly [number, number])[]
}

interface Rng {
  unit(): number
  normal(): number
  int(below: number): number
  pick<T>(of: readonly T[]): T
}

export function createRng(seed: number): Rng {
  let state = (seed ^ 0x9e3779b9) >>> 0
  const unit = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    unit,
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    int: (below) => Math.floor(unit() * below),
    pick: (of) => {
      const one = of[Math.floor(unit() * of.length)]
      if (one === undefined) throw new Error('nothing to pick from')
      return one
    },
  }
}

type Base = (rng: Rng, n: number, stepMs: number) => Float64Array
type Damage = (rng: Rng, values: Float64Array, at: number) => number

const HOUR_MS = 3_600_000
const day = (i: number, stepMs: number): number => (2 * Math.PI * i * stepMs) / (24 * HOUR_MS)

const fill = (n: number, of: (i: number) => number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => of(i))

const BASES: Readonly<Record<string, Base>> = {
  noise: (rng, n) => {
    const sd = 0.5 + rng.unit() * 5
    return fill(n, () => 50 + sd * rng.normal())
  },
  daily: (rng, n, step) => {
    const [amp, phase, sd] = [10 + rng.unit() * 20, rng.unit() * 6, 0.5 + rng.unit() * 4]
    return fill(
      n,
      (i) =>
        60 +
        amp * Math.sin(day(i, step) + phase) +
        (amp / 3) * Math.sin(2 * day(i, step)) +
        sd * rng.normal(),
    )
  },
  weekly: (rng, n, step) => {
    const [amp, sd] = [3_000 + rng.unit() * 9_000, 200 + rng.unit() * 800]
    return fill(n, (i) => {
      const isWeekend = Math.floor((i * step) / (24 * HOUR_MS)) % 7 >= 5
      return (
        15_000 +
        amp * Math.sin(day(i, step) - (isWeekend ? 0.6 : 0)) * (isWeekend ? 0.6 : 1) +
        sd * rng.normal()
      )
    })
  },
  walk: (rng, n) => {
    let level = 80
    let slow = 0
    return fill(n, () => {
      slow = 0.995 * slow + 0.3 * rng.normal()
      level += (80 - level) * 0.002 + 0.1 * rng.normal()
      return level + slow + 0.3 * rng.normal()
    })
  },
  cpu: (rng, n) => {
    const every = 40 + rng.int(100)
    const [low, burst] = [1 + rng.unit() * 40, 5 + rng.unit() * 30]
    return fill(n, (i) =>
      Math.max(0, low + (i % every < 3 ? burst * (0.8 + 0.4 * rng.unit()) : 0) + low * 0.06 * rng.normal()),
    )
  },
  counts: (rng, n, step) => {
    const base = 5 + rng.unit() * 40
    return fill(n, (i) =>
      Math.floor(
        base *
          (1.2 + Math.sin(day(i, step))) *
          Math.exp(0.5 * rng.normal()) *
          (rng.unit() < 0.004 ? 2 + 3 * rng.unit() : 1),
      ),
    )
  },
  sparse: (rng, n) => {
    const rate = 0.02 + rng.unit() * 0.1
    return fill(n, () => (rng.unit() < rate ? 1_000 * Math.exp(0.7 * rng.normal()) : 0))
  },
  traffic: (rng, n, step) => {
    const sd = 2 + rng.unit() * 4
    return fill(n, (i) =>
      Math.max(
        0,
        Math.round(
          70 -
            12 * Math.max(0, Math.sin(day(i, step))) ** 4 +
            sd * rng.normal() -
            (rng.unit() < 0.01 ? 10 * rng.unit() : 0),
        ),
      ),
    )
  },
  exchange: (rng, n) => {
    let level = 0.1
    return fill(n, () => {
      level = Math.max(0.03, level + 0.002 * rng.normal() + (0.1 - level) * 0.02)
      return level * Math.exp(0.25 * rng.normal()) * (rng.unit() < 0.006 ? 1.8 + rng.unit() : 1)
    })
  },
  square: (rng, n) => {
    const every = 20 + rng.int(60)
    return fill(n, (i) => (i % every < every / 2 ? 20 : 80) + rng.normal() * (1 + rng.int(2)))
  },
  trend: (rng, n) => {
    const [slope, amp, every] = [(rng.unit() - 0.5) * 0.4, 20 + rng.unit() * 80, rng.pick([12, 24, 24, 168])]
    return fill(
      n,
      (i) => 500 + slope * i + amp * Math.sin((2 * Math.PI * i) / every) + (amp / 8) * rng.normal(),
    )
  },
  steps: (rng, n) => {
    let level = 30
    return fill(n, () => {
      if (rng.unit() < 0.004) level = Math.max(5, level + rng.normal() * 6)
      return level + rng.normal()
    })
  },
}

const deviation = (values: Float64Array): number => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1
}

/** Each changes the series from row `at` on and returns the last row that it changed. */
const DAMAGES: Readonly<Record<string, Damage>> = {
  spike: (rng, values, at) => {
    const size = deviation(values) * (5 + 8 * rng.unit()) * (rng.unit() < 0.7 ? 1 : -1)
    const long = 1 + rng.int(3)
    for (let i = at; i < at + long; i += 1) values[i] = (values[i] ?? 0) + size
    return at + long - 1
  },
  burst: (rng, values, at) => {
    const size = deviation(values) * (3 + 4 * rng.unit())
    const long = 5 + rng.int(30)
    for (let i = at; i < at + long; i += 1) values[i] = (values[i] ?? 0) + size * (0.6 + 0.8 * rng.unit())
    return at + long - 1
  },
  shift: (rng, values, at) => {
    const size = deviation(values) * (2.5 + 3 * rng.unit()) * (rng.unit() < 0.5 ? 1 : -1)
    for (let i = at; i < values.length; i += 1) values[i] = (values[i] ?? 0) + size
    return at + 40
  },
  dip: (rng, values, at) => {
    const long = 20 + rng.int(80)
    const lowest = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY)
    const floor = lowest - deviation(values) * 2 * rng.unit()
    for (let i = at; i < at + long; i += 1) values[i] = floor + Math.abs((values[i] ?? 0) - floor) * 0.05
    return at + long - 1
  },
  flat: (rng, values, at) => {
    const long = 60 + rng.int(150)
    const value = values[at] ?? 0
    for (let i = at; i < at + long && i < values.length; i += 1) values[i] = value
    return at + long - 1
  },
  wild: (rng, values, at) => {
    const long = 30 + rng.int(100)
    const size = deviation(values) * (2 + 2 * rng.unit())
    for (let i = at; i < at + long && i < values.length; i += 1)
      values[i] = (values[i] ?? 0) + size * rng.normal()
    return at + long - 1
  },
  missing: (rng, values, at) => {
    // The pattern of the time is not followed: a holiday.
    const long = 100 + rng.int(200)
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    for (let i = at; i < at + long && i < values.length; i += 1) {
      values[i] = mean + ((values[i] ?? 0) - mean) * 0.15
    }
    return at + long - 1
  },
}

const STEPS_MS = [300_000, 300_000, 300_000, 1_800_000, 3_600_000]

/** Rows at the start in which nothing happens, as a share. */
export const PROBATION = 0.15

export function makeSeries(seed: number): LabelledSeries {
  const rng = createRng(seed)
  const n = rng.pick([1_200, 1_600, 4_032, 4_032, 4_032, 8_000])
  const stepMs = rng.pick(STEPS_MS)
  const baseName = rng.pick(Object.keys(BASES))
  const values = BASES[baseName]?.(rng, n, stepMs) ?? new Float64Array(n)
  // One in five has nothing: what is found there is false.
  const count = rng.unit() < 0.2 ? 0 : 1 + rng.int(3)
  const width = count === 0 ? 0 : Math.floor((0.1 * n) / count)
  const windows: [number, number][] = []
  const names: string[] = []
  for (let k = 0; k < count; k += 1) {
    const room = ((1 - PROBATION) * n) / count
    const at = Math.floor(
      PROBATION * n + k * room + width / 2 + rng.unit() * (room - width - 320 < 0 ? 1 : room - width - 320),
    )
    const kind = rng.pick(Object.keys(DAMAGES))
    names.push(kind)
    const end = DAMAGES[kind]?.(rng, values, at) ?? at
    windows.push([
      Math.max(0, at - Math.floor(width / 4)),
      Math.min(n - 1, Math.max(end, at + Math.floor(width * 0.75))),
    ])
  }
  const start = Date.UTC(2024, 3, 1) + rng.int(86_400) * 1_000
  const jitter = baseName === 'traffic' && rng.unit() < 0.5
  let now = start
  const at = fill(n, () => {
    now += jitter ? stepMs * (1 + rng.int(3)) : stepMs
    return now
  })
  return { name: `${seed}-${baseName}${names.map((name) => `-${name}`).join('')}`, at, values, windows }
}
