import { describe, expect, it } from 'vitest'
import { forgetOldest } from './bounded.ts'

describe('a bounded map', () => {
  it('keeps the entries that were set last', () => {
    const map = new Map<string, number>()
    for (const [key, value] of [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ] as const) {
      map.set(key, value)
      forgetOldest(map, 2)
    }
    expect([...map.keys()]).toEqual(['b', 'c'])
  })
})
