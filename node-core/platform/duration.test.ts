import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDuration } from './duration.ts'

const msOf = (raw: string): number | undefined => {
  const result = parseDuration(raw)
  return result.ok ? result.ms : undefined
}
const problemOf = (raw: string): string => {
  const result = parseDuration(raw)
  return result.ok ? '' : result.problem
}

describe('parseDuration', () => {
  it('reads every unit and sums of them', () => {
    expect(msOf('500ms')).toBe(500)
    expect(msOf('30s')).toBe(30_000)
    expect(msOf('10m')).toBe(600_000)
    expect(msOf('24h')).toBe(86_400_000)
    expect(msOf('7d')).toBe(604_800_000)
    expect(msOf('2w')).toBe(1_209_600_000)
    expect(msOf(' 1h30m ')).toBe(5_400_000)
    expect(msOf('0s')).toBe(0)
  })

  it('says what is wrong with what it refuses', () => {
    expect(problemOf('24')).toContain('did you mean 24s, 24m or 24h')
    expect(problemOf('5y')).toContain("unknown unit 'y'")
    expect(problemOf('5H')).toContain("unknown unit 'H'")
    expect(problemOf('30m1h')).toContain('out of order')
    expect(problemOf('1h1h')).toContain('out of order')
    expect(problemOf('-5s')).toContain('such as 500ms')
    expect(problemOf('')).toContain('such as 500ms')
    expect(problemOf('1.5h')).toContain('such as 500ms')
    expect(problemOf('999999w')).toContain('100 years')
    expect(problemOf('1constructor')).toContain('unknown unit')
  })

  it('never throws and never gives a number that is not a whole count of milliseconds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}[a-z]{1,3}(\d+[a-z]+)?$/)), (raw) => {
        const result = parseDuration(raw)
        expect(result.ok ? Number.isSafeInteger(result.ms) : result.problem.length > 0).toBe(true)
      }),
    )
  })

  it('gives the same for every whole number of a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30_000 }), (count) => {
        expect(msOf(`${count}h`)).toBe(count * 3_600_000)
      }),
    )
  })
})
