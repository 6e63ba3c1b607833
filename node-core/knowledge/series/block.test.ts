import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_BLOCK_SAMPLES, readBlock, type Samples, writeBlock } from './block.ts'
import { createByteReader, createByteWriter, MalformedBytes } from './bytes.ts'
import { combine, MINUTES, packRow, rollUp, unpackRow } from './rollup.ts'

const pack = (samples: Samples): Uint8Array => {
  const writer = createByteWriter()
  writeBlock(writer, samples)
  return writer.take()
}
const samplesOf = (pairs: readonly (readonly [number, number])[]): Samples => ({
  ats: Float64Array.from(pairs, ([at]) => at),
  values: Float64Array.from(pairs, ([, value]) => value),
})

const at = fc.integer({ min: 0, max: 4_102_444_800_000 })
const anyValue = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer().map((n) => n / 1000),
  fc.integer(),
  fc.constantFrom(0, -0, 0.1, 1e15, -1e15, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE),
)

describe('a block of samples', () => {
  it('gives back every bit of what was put in, whatever it was', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(at, anyValue), { maxLength: 200 }), (pairs) => {
        const samples = samplesOf(pairs)
        const reader = createByteReader(pack(samples))
        const back = readBlock(reader)
        expect(reader.done).toBe(true)
        expect([...back.ats]).toEqual([...samples.ats])
        // Object.is per value: 0 and -0 are different bits.
        expect([...back.values].every((value, n) => Object.is(value, samples.values[n]))).toBe(true)
      }),
    )
  })

  it('takes at most three bytes for a round trip in hundredths that wanders, once a second', () => {
    let [value, state] = [20, 7]
    const pairs = Array.from({ length: 600 }, (_, n) => {
      state = (state * 1103515245 + 12345) % 2 ** 31
      value = Math.max(1, value + (state / 2 ** 31 - 0.5) * 0.8)
      return [1_790_000_000_000 + n * 1_000 + (state % 3), Math.round(value * 100) / 100] as const
    })
    expect(pack(samplesOf(pairs)).length).toBeLessThan(3 * 600)
  })

  it('is refused and never trusted when it was damaged', () => {
    const whole = pack(
      samplesOf([
        [1, 0.1],
        [2, Math.PI],
        [3, -7],
      ]),
    )
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.boolean(),
        (where, byte, cut) => {
          const bad = cut ? whole.slice(0, where) : whole.slice()
          if (!cut) bad[where] = byte
          try {
            const { ats, values } = readBlock(createByteReader(bad))
            expect(ats.length).toBeLessThanOrEqual(MAX_BLOCK_SAMPLES)
            expect([...values].every(Number.isFinite)).toBe(true)
          } catch (error) {
            expect(error).toBeInstanceOf(MalformedBytes)
          }
        },
      ),
    )
    const huge = createByteWriter()
    huge.whole(2 ** 40)
    expect(() => readBlock(createByteReader(huge.take()))).toThrow(MalformedBytes)
  })
})

describe('a rollup', () => {
  const minute = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 3_599_999 }), fc.integer({ min: -999, max: 999 })),
    {
      minLength: 1,
      maxLength: 300,
    },
  )

  it('says of each minute what its samples say, and survives its packing', () => {
    fc.assert(
      fc.property(minute, (pairs) => {
        const points = rollUp(samplesOf(pairs), 60_000)
        expect(points.map((point) => point.at)).toEqual(
          points.map((point) => point.at).toSorted((a, b) => a - b),
        )
        for (const point of points) {
          const inside = pairs
            .filter(([t]) => t >= point.at && t < point.at + 60_000)
            .map(([, value]) => value)
          expect(point).toMatchObject({
            min: Math.min(...inside),
            max: Math.max(...inside),
            count: inside.length,
          })
          expect(point.mean).toBeCloseTo(inside.reduce((sum, value) => sum + value, 0) / inside.length, 6)
        }
        const back = unpackRow(packRow(points, 0, MINUTES), 0, MINUTES)
        expect(back.map(({ mean: _, ...rest }) => rest)).toEqual(points.map(({ mean: _, ...rest }) => rest))
        for (const [n, { mean }] of back.entries()) expect(mean).toBeCloseTo(points[n]?.mean ?? Number.NaN, 3)
      }),
    )
  })

  it('is the same whether samples come at once or in two parts', () => {
    fc.assert(
      fc.property(minute, minute, (one, two) => {
        const together = rollUp(samplesOf([...one, ...two]), 3_600_000)
        const parts = [one, two].flatMap((pairs) => rollUp(samplesOf(pairs), 60_000))
        const apart = combine(parts, 3_600_000)
        expect(apart).toHaveLength(together.length)
        expect(apart[0]).toMatchObject({
          min: together[0]?.min,
          max: together[0]?.max,
          count: together[0]?.count,
        })
        expect(apart[0]?.mean).toBeCloseTo(together[0]?.mean ?? Number.NaN, 6)
      }),
    )
  })
})
