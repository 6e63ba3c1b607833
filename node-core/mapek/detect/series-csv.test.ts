import { describe, expect, it } from 'vitest'
import { createCsvScorer, parseMoment } from './series-csv.ts'

const run = (text: string): string[] => {
  const scorer = createCsvScorer()
  return text.split('\n').flatMap((line) => scorer.line(line) ?? [])
}

describe('series in CSV', () => {
  it('reads the times that such files have', () => {
    const at = Date.UTC(2014, 3, 10, 7, 15)
    for (const text of [
      '2014-04-10 07:15:00',
      '2014-04-10T07:15:00Z',
      ' 2014/4/10 7:15 ',
      `${at}`,
      `${at / 1_000}`,
    ]) {
      expect(parseMoment(text)).toBe(at)
    }
    expect(parseMoment('2014-04-10')).toBe(Date.UTC(2014, 3, 10))
    expect(parseMoment('soon')).toBeNaN()
  })

  it('answers every row and none of what is no row, with or without a header', () => {
    const rows = ['2014-04-10 07:15:00,1.5', '2014-04-10 07:20:00,2']
    const scored = rows.map((row) => `${row},0.000000`)
    expect(run(rows.join('\n'))).toEqual(scored)
    expect(run(`\uFEFFtimestamp,value\n${rows.join('\n')}\n\n`)).toEqual(scored)
    expect(run('value,timestamp\n1.5,2014-04-10 07:15:00')).toEqual(scored.slice(0, 1))
    expect(run('"1","5"')).toEqual(['1,5,0.000000'])
  })

  it('scores what is missing with 0 and goes on', () => {
    expect(run('1,\n2,NaN\n,7\nx,8\n3,9,more')).toEqual(
      ['1,,0', '2,NaN,0', ',7,0', 'x,8,0', '3,9,0'].map((row) => `${row}.000000`),
    )
  })
})
