import { expect, it } from 'vitest'
import { ageText } from './age.ts'

it.each([
  [-5_000, 'just now'],
  [1_900, 'just now'],
  [12_400, '12 s ago'],
  [59_999, '59 s ago'],
  [60_000, '1 min ago'],
  [3_600_000, '1 h ago'],
  [47 * 3_600_000, '47 h ago'],
  [72 * 3_600_000, '3 d ago'],
])('says how long %i ms are', (ageMs, text) => {
  expect(ageText(ageMs)).toBe(text)
})
