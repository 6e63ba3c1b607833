import { describe, expect, it } from 'vitest'
import { fewNames } from './few-names.ts'

describe('a few of many names', () => {
  it('are all of them up to the limit, and then say how many more there are', () => {
    expect(fewNames([], 2)).toBe('')
    expect(fewNames(['a', 'b'], 2)).toBe('a, b')
    expect(fewNames(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more')
  })
})
