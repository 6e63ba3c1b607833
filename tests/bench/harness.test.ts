import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type BenchCase, quantile, runBench } from './harness.ts'

const OPTIONS = { name: 'test', defaultN: 4, warmup: 1 }

let directory = ''
let output = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'x0t-harness-'))
  output = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += text
    return true
  })
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

/** Cases that count how often they ran and write down in which order. */
function counting(order: string[], stopAt = Number.POSITIVE_INFINITY) {
  const make = (metric: string, extra: Partial<BenchCase> = {}): BenchCase => ({
    metric,
    unit: 'ms',
    ...extra,
    async sample() {
      if (order.length === stopAt) throw new Error('stopped')
      order.push(metric)
      return metric.length
    },
  })
  const cases = [make('aa'), make('bbbb', { comparedTo: 'aa' }), make('cc', { unit: 'MB/s', share: 0.5 })]
  return async () => ({ cases, close: async () => {} })
}

describe('the harness', () => {
  it('runs every case as often as it should, interleaved, and reports medians and ratios', async () => {
    const order: string[] = []
    const json = join(directory, 'report.json')
    const report = await runBench(OPTIONS, counting(order), ['--json', json, '--n', '6', '--seed', '3'])
    expect(report.summary).toEqual([
      { metric: 'aa', unit: 'ms', median: 2, p95: 2, worst: 2, n: 6 },
      { metric: 'bbbb', unit: 'ms', median: 4, p95: 4, worst: 4, n: 6 },
      { metric: 'cc', unit: 'MB/s', median: 2, p95: 2, worst: 2, n: 3 },
      { metric: 'bbbb / aa', unit: 'x', median: 2, p95: 2, worst: 2, n: 6 },
    ])
    expect(JSON.parse(readFileSync(json, 'utf8'))).toEqual(report)
    expect(Date.parse(report.date)).toBeGreaterThan(Date.now() - 60_000)
    expect(output).toContain('bbbb / aa')
    const rounds = order.slice(3).join(' ')
    expect(rounds).not.toMatch(/aa aa aa|bbbb bbbb bbbb/)
  })

  it('runs the same order for the same seed, and another for another', async () => {
    const orderOf = async (seed: string): Promise<string> => {
      const order: string[] = []
      await runBench(OPTIONS, counting(order), ['--n', '20', '--seed', seed])
      return order.join(' ')
    }
    expect(await orderOf('7')).toBe(await orderOf('7'))
    expect(await orderOf('7')).not.toBe(await orderOf('8'))
  })

  it('runs only the cases that are asked for', async () => {
    const order: string[] = []
    const report = await runBench(OPTIONS, counting(order), ['--only', 'bb,c', '--n', '2'])
    expect(Object.keys(report.samples).toSorted()).toEqual(['bbbb', 'cc'])
    await expect(runBench(OPTIONS, counting(order), ['--only', 'x'])).rejects.toThrow('names no case')
    await expect(runBench(OPTIONS, counting(order), ['--n', 'many'])).rejects.toThrow('whole number')
  })

  it('goes on where it was stopped', async () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    try {
      const first: string[] = []
      const setUp = counting(first, 3 + 10)
      const slow = async () => {
        const made = await setUp()
        const cases = made.cases.map((bench) => ({
          ...bench,
          async sample() {
            vi.advanceTimersByTime(3_000)
            return await bench.sample()
          },
        }))
        return { ...made, cases }
      }
      const args = ['--n', '6', '--json', join(directory, 'r.json')]
      await expect(runBench(OPTIONS, slow, args)).rejects.toThrow('stopped')
      const second: string[] = []
      const report = await runBench(OPTIONS, counting(second), args)
      expect(report.summary.map(({ n }) => n)).toEqual([6, 6, 3, 6])
      expect(second.length - 3).toBeLessThan(15)
    } finally {
      vi.useRealTimers()
    }
  })

  it('takes several figures of one measurement, and leaves out what could not be measured', async () => {
    const figures = [
      [1, 10],
      [2, Number.NaN],
      [3, 30],
    ]
    let at = 0
    const bench: BenchCase = {
      ...{ metric: 'speed', unit: 'MB/s' },
      further: [{ metric: 'cost', unit: 's/GB', comparedTo: 'speed' }],
      sample: async () => figures[at++] ?? Number.NaN,
    }
    const report = await runBench(
      { ...OPTIONS, warmup: 0 },
      async () => ({ cases: [bench], close: async () => {} }),
      ['--n', '3', '--only', 'cost'],
    )
    expect(report.samples).toEqual({ speed: [1, 2, 3], cost: [10, 30] })
    expect(report.summary).toMatchObject([
      { metric: 'speed', median: 2, worst: 1, n: 3 },
      { metric: 'cost', median: 20, worst: 30, n: 2 },
      { metric: 'cost / speed', unit: 'x', median: 10 },
    ])
  })

  it('interpolates quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([1], 0.95)).toBe(1)
    expect(quantile([], 0.5)).toBeNaN()
  })
})
