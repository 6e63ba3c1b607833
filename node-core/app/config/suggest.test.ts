import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { suggest } from './suggest.ts'

describe('suggest', () => {
  const words = ['level', 'maxSizeMb', 'keep']

  it('finds the word behind a slip', () => {
    for (const slip of ['levle', 'leve', 'llevel', 'lavel', 'LEVEL'])
      expect(suggest(slip, words)).toBe('level')
    expect(suggest('max_size_mb', words)).toBe('maxSizeMb')
  })

  it('does not guess when nothing is near', () => {
    for (const word of ['colour', 'x', '', 'k'.repeat(1_000)]) expect(suggest(word, words)).toBeUndefined()
    expect(suggest('level', [])).toBeUndefined()
  })

  it('finds a word of its own list, and one with a single letter changed', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{4,20}$/), fc.nat(), (word, at) => {
        const index = at % word.length
        expect(suggest(word, [word])).toBe(word)
        expect(suggest(`${word.slice(0, index)}9${word.slice(index + 1)}`, [word])).toBe(word)
      }),
    )
  })
})
