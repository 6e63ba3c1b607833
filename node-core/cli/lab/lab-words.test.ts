import { describe, expect, it } from 'vitest'
import { byteRateText, delayText, describeImpairment, percentText } from './lab-words.ts'

describe('the words of lab commands', () => {
  it.each([
    ['100', 100],
    ['500k', 500_000],
    ['2M', 2_000_000],
    ['1.5MB/s', 1_500_000],
    ['1GB', 1e9],
  ])('%s is a rate', (text, rate) => {
    expect(byteRateText.parse(text)).toBe(rate)
  })

  it.each(['', '99', '0k', '-5k', '1e6', '5x', '5 k', 'k'])("'%s' is no rate", (text) => {
    expect(byteRateText.safeParse(text).success).toBe(false)
  })

  it('reads percentages and delays within bounds', () => {
    expect(percentText.parse('5%')).toBe(0.05)
    expect(percentText.parse('0.5%')).toBe(0.005)
    for (const text of ['5', '0.05', '96%', '-1%', '%'])
      expect(percentText.safeParse(text).success).toBe(false)
    expect(delayText.parse('40ms')).toBe(40)
    expect(delayText.safeParse('2m').success).toBe(false)
  })

  it.each([
    [{ kind: 'cut' }, 'cut'],
    [{ kind: 'delay', ms: 40, jitterMs: 5 }, 'delay 40 ms, jitter 5 ms'],
    [{ kind: 'delay', ms: 40, jitterMs: 0 }, 'delay 40 ms'],
    [{ kind: 'loss', rate: 0.05 }, 'loss 5 %'],
    [{ kind: 'throttle', bytesPerSecond: 500_000 }, 'throttle 500 kB/s'],
    [{ kind: 'flap', downMs: 500, upMs: 2_000 }, 'flapping, 500 ms down and 2000 ms up'],
  ] as const)('%j is told as %s', (impairment, text) => {
    expect(describeImpairment(impairment)).toBe(text)
  })
})
