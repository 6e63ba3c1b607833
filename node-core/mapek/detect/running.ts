/** Small streaming estimates, each O(1) in time and memory. */

/** A mean that forgets: the plain mean at first, then exponentially weighted over about `span` values. */
export interface RunningMean {
  readonly value: number
  readonly count: number
  add(value: number): void
}

export function createRunningMean(span: number): RunningMean {
  let value = 0
  let count = 0
  return {
    get value() {
      return value
    },
    get count() {
      return count
    },
    add(next) {
      count += 1
      value += (next - value) / Math.min(count, span)
    },
  }
}

const CLIP = 4
const CLIP_FROM = 16

/** The usual size of a magnitude: a running mean that a single wild value moves little (clipped at four times itself). */
export function createRunningScale(span: number): RunningMean {
  const mean = createRunningMean(span)
  return {
    get value() {
      return mean.value
    },
    get count() {
      return mean.count
    },
    add(next) {
      const most = CLIP * mean.value
      mean.add(next > most && most > 0 && mean.count >= CLIP_FROM ? most : next)
    },
  }
}

/** The last `size` values, by age. */
export interface Ring {
  readonly length: number
  /** 0 is the newest. NaN beyond what there is. */
  at(age: number): number
  push(value: number): void
}

export function createRing(size: number): Ring {
  let values = new Float64Array(Math.min(size, 64))
  let next = 0
  let length = 0
  /** Doubles as the series grows, so that a short one does not pay for a long one. */
  const grow = (): void => {
    const larger = new Float64Array(Math.min(size, values.length * 2))
    larger.set(values)
    values = larger
  }
  return {
    get length() {
      return length
    },
    at(age) {
      if (age >= length || age < 0) return Number.NaN
      const index = next - 1 - age
      return values[index < 0 ? index + values.length : index] ?? Number.NaN
    },
    push(value) {
      if (next === values.length && values.length < size) grow()
      if (next === values.length) next = 0
      values[next] = value
      next += 1
      if (length < values.length) length += 1
    },
  }
}
