import { describe, expect, it } from 'vitest'
import { createTailModel } from './tail-model.ts'

const learned = (values: readonly number[]) => {
  const model = createTailModel()
  for (const value of values) model.learn(value)
  return model
}
/** Quantiles of a distribution, in a scattered order. */
const spread = (n: number, quantile: (q: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => quantile((((i * 7_919) % n) + 0.5) / n))

describe('the model of a tail', () => {
  it('knows how rare a value is among those it learned, and guesses beyond them', () => {
    const exponential = learned(spread(3_000, (q) => -Math.log(1 - q)))
    for (const rare of [2, 3, 4, 5]) {
      const surprise = exponential.surprise(rare * Math.LN10)
      expect(surprise).toBeGreaterThan(rare * 0.75)
      expect(surprise).toBeLessThan(rare * 1.25)
    }
  })

  it('is surprised less by the same multiple where the tail is heavy', () => {
    const light = learned(spread(3_000, (q) => -Math.log(1 - q)))
    const heavy = learned(spread(3_000, (q) => (1 - q) ** -0.4))
    expect(heavy.surprise(30)).toBeLessThan(light.surprise(30) - 1)
  })

  it('grows with the value, and not beyond what so few samples can say', () => {
    const model = learned(spread(100, (q) => q))
    let last = 0
    for (let value = 0.1; value < 1e9; value *= 1.3) {
      const surprise = model.surprise(value)
      expect(surprise).toBeGreaterThanOrEqual(last)
      last = surprise
    }
    expect(last).toBeLessThanOrEqual(5)
    expect(createTailModel().surprise(1e9)).toBe(0)
  })
})
