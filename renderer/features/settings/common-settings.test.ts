import { expect, it } from 'vitest'
import { COMMON_SETTINGS, changedDocument, durationText, writtenValue } from './common-settings.ts'

const find = (key: string) => {
  const found = COMMON_SETTINGS.find((one) => one.key === key)
  if (found === undefined) throw new Error(key)
  return found
}

it.each([
  [86_400_000, '1d'],
  [90_000_000, '25h'],
  [900_000, '15m'],
  [30_000, '30s'],
  [1_500, '1500ms'],
])('writes %d ms as the file does: %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

it('shows what is in force in the form of the file', () => {
  const effective = { slo: { availability: 0.999, mttrMs: 30_000 }, knowledge: { maxSizeMb: 256 } }
  expect(
    ['availability', 'mttr', 'maxSizeMb', 'idle'].map((key) => writtenValue(effective, find(key))),
  ).toEqual(['99.9', '30s', '256', ''])
})

it('changes what was touched, and leaves everything else as it is written', () => {
  const document = {
    schema: 2,
    settings: { log: { level: 'debug' }, knowledge: { raw: '2d' } },
    services: [],
  }
  const changes = new Map([
    [find('raw'), '7d'],
    [find('maxSizeMb'), '512'],
  ])
  expect(changedDocument(document, changes)).toEqual({
    schema: 2,
    settings: { log: { level: 'debug' }, knowledge: { raw: '7d', maxSizeMb: 512 } },
  })
})
