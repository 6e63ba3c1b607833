import { expect, it } from 'vitest'
import { durationText, lossText, roundTripText, suiteText } from './link-text.ts'

it('writes round trips with the digits that mean something', () => {
  expect([null, 0.424, 12.34, 240.4].map(roundTripText)).toEqual(['unknown', '0.42 ms', '12.3 ms', '240 ms'])
})

it('writes loss in per cent and never rounds some loss to none', () => {
  expect([null, 0, 0.0004, 0.004, 0.12].map(lossText)).toEqual([
    'unknown',
    '0 %',
    'under 0.1 %',
    '0.4 %',
    '12 %',
  ])
})

it('writes durations in one unit', () => {
  expect([0, 12_999, 192_000, 7_300_000, 400_000_000].map(durationText)).toEqual([
    '0 s',
    '12 s',
    '3 min',
    '2 h',
    '4 d',
  ])
})

it('names the suites of the mesh in words and shows others as they are', () => {
  expect(suiteText('/x0t/noise-hfs/1/aesgcm')).toBe('X25519 + ML-KEM-768, AES-256-GCM')
  expect(suiteText('/x0t/noise-hfs/1/chachapoly')).toBe('X25519 + ML-KEM-768, ChaCha20-Poly1305')
  expect(suiteText('/x0t/noise-hfs/1/constructor')).toBe('/x0t/noise-hfs/1/constructor')
  expect(suiteText('/noise')).toBe('/noise')
  expect(suiteText(null)).toBe('unknown')
})
