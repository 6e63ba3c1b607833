import type { Ring } from './running.ts'

/** A correlation of the series with itself below this is no season. */
const MIN_CORRELATION = 0.3
const MIN_PERIOD = 6
/** So many of the last values are looked at. */
const MAX_WINDOW = 4_096

// Every series has its turn with these; nothing stays in them.
const MAX_SIZE = 2 * MAX_WINDOW
const scratchRe = new Float64Array(MAX_SIZE)
const scratchIm = new Float64Array(MAX_SIZE)
const COSINES = Float64Array.from({ length: MAX_SIZE / 2 }, (_, k) => Math.cos((-2 * Math.PI * k) / MAX_SIZE))
const SINES = Float64Array.from({ length: MAX_SIZE / 2 }, (_, k) => Math.sin((-2 * Math.PI * k) / MAX_SIZE))

/**
 * The length of the season in samples, from the highest peak of the autocorrelation (by FFT: Wiener and Khinchin), or
 * undefined. At least three seasons have to be there.
 */
export function findPeriod(ring: Ring): number | undefined {
  const n = Math.min(ring.length, MAX_WINDOW)
  if (n < 4 * MIN_PERIOD) return undefined
  const size = 2 ** Math.ceil(Math.log2(2 * n))
  const re = scratchRe.subarray(0, size).fill(0)
  const im = scratchIm.subarray(0, size).fill(0)
  fillClipped(ring, n, re)
  fft(re, im)
  for (let k = 0; k < size; k += 1) {
    re[k] = (re[k] ?? 0) ** 2 + (im[k] ?? 0) ** 2
    im[k] = 0
  }
  // The power spectrum is even, so that the same transform leads back.
  fft(re, im)
  return highestPeak(re, n)
}

/** The values oldest first, around their mean, with outliers cut so that two spikes do not make a season. */
function fillClipped(ring: Ring, n: number, into: Float64Array): void {
  let mean = 0
  for (let age = 0; age < n; age += 1) mean += ring.at(age) / n
  let spread = 0
  for (let age = 0; age < n; age += 1) spread += Math.abs(ring.at(age) - mean) / n
  for (let age = 0; age < n; age += 1) {
    const value = ring.at(age) - mean
    into[n - 1 - age] = Math.max(-3 * spread, Math.min(3 * spread, value))
  }
}

function highestPeak(correlation: Float64Array, n: number): number | undefined {
  const power = correlation[0] ?? 0
  if (!(power > 0)) return undefined
  // With fewer pairs at longer lags the sum falls; dividing by their share undoes it.
  const at = (lag: number): number => ((correlation[lag] ?? 0) / power) * (n / (n - lag))
  let lag = 1
  while (lag < n / 3 && at(lag) > 0.2) lag += 1
  let best: number | undefined
  for (let candidate = Math.max(lag, MIN_PERIOD); candidate < n / 3; candidate += 1) {
    const value = at(candidate)
    const isPeak = value >= at(candidate - 1) && value >= at(candidate + 1)
    // A multiple of the season correlates as well: only what is clearly higher takes its place.
    if (isPeak && value > (best === undefined ? MIN_CORRELATION : at(best) + 0.1)) best = candidate
  }
  return best
}

/** In place, radix 2; the length is a power of two. */
function fft(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      const swap = re[i] ?? 0
      re[i] = re[j] ?? 0
      re[j] = swap
      const swapIm = im[i] ?? 0
      im[i] = im[j] ?? 0
      im[j] = swapIm
    }
  }
  for (let length = 2; length <= n; length <<= 1) butterflies(re, im, length)
}

function butterflies(re: Float64Array, im: Float64Array, length: number): void {
  const half = length / 2
  const stride = MAX_SIZE / length
  for (let block = 0; block < re.length; block += length) {
    for (let k = 0; k < half; k += 1) {
      const cos = COSINES[k * stride] ?? 0
      const sin = SINES[k * stride] ?? 0
      const i = block + k
      const j = i + half
      const [reJ, imJ] = [re[j] ?? 0, im[j] ?? 0]
      const x = reJ * cos - imJ * sin
      const y = reJ * sin + imJ * cos
      re[j] = (re[i] ?? 0) - x
      im[j] = (im[i] ?? 0) - y
      re[i] = (re[i] ?? 0) + x
      im[i] = (im[i] ?? 0) + y
    }
  }
}
