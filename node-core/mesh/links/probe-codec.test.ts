import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BYE_REASONS, decodeProbe, encodeProbe, MAX_PROBE_BYTES, type ProbeMessage } from './probe-codec.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const positive = fc.float({ min: 0, max: 1e9, noNaN: true })
const message: fc.Arbitrary<ProbeMessage> = fc.oneof(
  fc.record({
    kind: fc.constant('beat' as const),
    seq: u32,
    intervalMs: fc.integer({ min: 1, max: 0xffff }),
    sentAtMs: fc.double({ min: 0, max: 1e15, noNaN: true }),
    echo: fc.option(fc.record({ seq: u32, holdMs: positive }), { nil: undefined }),
    silentMs: positive,
    lateShare: fc.integer({ min: 0, max: 0xffff }).map((value) => value / 0xffff),
  }),
  fc.record({ kind: fc.constantFrom('ping' as const, 'pong' as const), id: u32 }),
  fc.record({ kind: fc.constant('bye' as const), reason: fc.constantFrom(...BYE_REASONS) }),
)

describe('probe codec', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(message, (original) => {
        const bytes = encodeProbe(original)
        expect(bytes.byteLength).toBeLessThanOrEqual(MAX_PROBE_BYTES)
        expect(decodeProbe(bytes)).toEqual(original)
      }),
    )
  })

  it('never throws, and takes nothing that it would not write', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const decoded = decodeProbe(bytes)
        if (decoded !== undefined) expect(decodeProbe(encodeProbe(decoded))).toEqual(decoded)
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses every truncation, every extension and numbers that are none', () => {
    fc.assert(
      fc.property(message, fc.nat(), (original, at) => {
        const bytes = encodeProbe(original)
        expect(decodeProbe(bytes.subarray(0, at % bytes.length))).toBeUndefined()
        expect(decodeProbe(new Uint8Array([...bytes, 0]))).toBeUndefined()
      }),
    )
    const beat = encodeProbe({
      kind: 'beat',
      seq: 1,
      intervalMs: 100,
      sentAtMs: 1,
      echo: undefined,
      silentMs: 0,
      lateShare: 0,
    })
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      const broken = beat.slice()
      new DataView(broken.buffer).setFloat64(8, value)
      expect(decodeProbe(broken)).toBeUndefined()
    }
  })
})
