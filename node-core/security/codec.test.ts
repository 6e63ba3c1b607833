import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytesOf, decodeStrict, encodeFlat, encodeStrict } from './codec.ts'

const anything = z.unknown()
const MAX = 64 * 1024
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

describe('encodeFlat', () => {
  it('writes what encodeStrict writes, byte for byte', () => {
    const item = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }),
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 30 }), (items) => {
        expect(Buffer.from(encodeFlat(items))).toEqual(Buffer.from(encodeStrict(items)))
      }),
    )
  })

  it('refuses what is longer than its lengths can say', () => {
    expect(encodeFlat([new Uint8Array(0xffff)])).toHaveLength(0xffff + 4)
    expect(() => encodeFlat([new Uint8Array(0x10000)])).toThrow(RangeError)
  })
})

describe('decodeStrict', () => {
  it('gives back every value that encodeStrict wrote', () => {
    const leaf = fc.oneof(fc.string(), fc.boolean(), fc.maxSafeInteger(), fc.uint8Array(), fc.constant(null))
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node')),
        fc.dictionary(fc.string(), tie('node')),
      ),
    })).node
    fc.assert(
      fc.property(value, (written) => {
        const bytes = encodeStrict(written)
        const read = decodeStrict(anything, bytes, MAX)
        if (read === undefined) return nestingOf(written) > 16
        return Buffer.compare(encodeStrict(read), bytes) === 0
      }),
    )
  })

  it('never throws, and takes nothing but canonical bytes, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 512 }), (bytes) => {
        const read = decodeStrict(anything, bytes, MAX)
        return read === undefined || Buffer.compare(encodeStrict(read), bytes) === 0
      }),
      { numRuns: 5_000 },
    )
  })

  it('never throws for valid bytes with one of them changed', () => {
    const valid = encodeStrict({ a: [1, 'two', new Uint8Array(9)], b: { c: true, d: null }, e: -70_000 })
    for (let at = 0; at < valid.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const changed = Uint8Array.from(valid)
        changed[at] = byte
        const read = decodeStrict(anything, changed, MAX)
        if (read !== undefined) expect(Buffer.compare(encodeStrict(read), changed)).toBe(0)
      }
    }
  })

  it.each([
    ['a number in more bytes than it needs', '1817'.replace('17', '05')],
    ['an integer written as a float', 'fb4000000000000000'],
    ['a half-precision float', 'f93c00'],
    ['keys out of order', 'a2616201616101'],
    ['a key twice', 'a2616101616102'],
    ['an array of indefinite length', '9f01ff'],
    ['undefined', 'f7'],
    ['NaN', 'fb7ff8000000000000'],
    ['a tag that is no CID', 'c11a514b67b0'],
    ['trailing bytes', '0101'],
    ['nothing', ''],
    ['text that is not UTF-8', '62c328'],
    ['a number as a key', 'a10101'],
  ])('refuses %s', (_what, text) => {
    expect(decodeStrict(anything, hex(text), MAX)).toBeUndefined()
  })

  it.each([
    ['arrays', 0x81],
    ['maps', 0xa1],
    ['tags', 0xc6],
  ])('refuses %s nested sixty thousand deep without recursing into them', (_what, byte) => {
    const bytes = new Uint8Array(60_000).fill(byte)
    expect(decodeStrict(anything, bytes, MAX)).toBeUndefined()
    const mixed = Uint8Array.from({ length: 60_000 }, (_, index) => (index % 2 === 0 ? byte : 0x82))
    expect(decodeStrict(anything, mixed, MAX)).toBeUndefined()
  })

  it('takes sixteen levels of nesting and refuses seventeen', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)])
    expect(decodeStrict(anything, encodeStrict(nested(16)), MAX)).toBeDefined()
    expect(decodeStrict(anything, encodeStrict(nested(17)), MAX)).toBeUndefined()
    expect(decodeStrict(anything, encodeStrict([nested(15), 'next', nested(15)]), MAX)).toBeDefined()
  })

  it.each([
    '9bffffffffffffffff01',
    '5bffffffffffffffff01',
    'bb7fffffffffffffff01',
    '7affffffff61',
    '9a7fffffff00',
  ])('refuses the claimed length in %s at once and without the memory for it', (text) => {
    const before = process.memoryUsage.rss()
    expect(decodeStrict(anything, hex(text), MAX)).toBeUndefined()
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('refuses more bytes than allowed before looking at them', () => {
    const bytes = encodeStrict(new Uint8Array(100))
    expect(decodeStrict(anything, bytes, bytes.length)).toBeDefined()
    expect(decodeStrict(anything, bytes, bytes.length - 1)).toBeUndefined()
  })

  it('returns values that share no memory with the input', () => {
    // A Buffer is what a socket gives, and its `slice` would be a view.
    for (const bytes of [encodeStrict(new Uint8Array([1, 2, 3])), Buffer.from('43010203', 'hex')]) {
      const read = decodeStrict(bytesOf(3), bytes, MAX)
      bytes.fill(0xff)
      expect(read).toEqual(new Uint8Array([1, 2, 3]))
    }
  })
})

function nestingOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0
  return 1 + Math.max(0, ...Object.values(value).map(nestingOf))
}
