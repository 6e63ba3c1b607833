import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServiceName, type ServiceName } from '../domain/ids.ts'
import {
  decodeFlowReply,
  decodeFlowRequest,
  encodeFlowReply,
  encodeFlowRequest,
  FLOW_REFUSALS,
  FLOW_VERSION,
  type FlowReply,
  MAX_HEADER_BODY_BYTES,
  parseFrame,
} from './flow-header.ts'

const serviceName = fc
  .stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  .map((raw) => parseServiceName(raw))
  .filter((name): name is ServiceName => name !== undefined)
const reply: fc.Arbitrary<FlowReply> = fc.oneof(
  fc.constant({ kind: 'accepted' } as const),
  fc.record({
    kind: fc.constant('refused' as const),
    code: fc.constantFrom(...FLOW_REFUSALS),
    reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
  }),
)
const bodyOf = (bytes: Uint8Array): Uint8Array => {
  const frame = parseFrame(bytes)
  if (frame.kind !== 'frame') throw new Error(frame.kind)
  return frame.body
}

describe('flow header', () => {
  it('reads back every request, and leaves what follows it alone', () => {
    fc.assert(
      fc.property(serviceName, fc.uint8Array({ maxLength: 50 }), (service, rest) => {
        const bytes = Uint8Array.from([...encodeFlowRequest({ service }), ...rest])
        const frame = parseFrame(bytes)
        if (frame.kind !== 'frame') throw new Error(frame.kind)
        expect(decodeFlowRequest(frame.body)).toEqual({ service })
        expect(bytes.subarray(frame.end)).toEqual(rest)
      }),
    )
  })

  it('reads back every reply', () => {
    fc.assert(
      fc.property(reply, (value) => {
        expect(decodeFlowReply(bodyOf(encodeFlowReply(value)))).toEqual(value)
      }),
    )
  })

  it('is incomplete at every offset before its end', () => {
    fc.assert(
      fc.property(reply, (value) => {
        const bytes = encodeFlowReply(value)
        for (let length = 0; length < bytes.length; length++) {
          expect(parseFrame(bytes.subarray(0, length)).kind).toBe('incomplete')
        }
      }),
    )
  })

  it('takes any bytes without throwing and never asks for more than its limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2 * MAX_HEADER_BODY_BYTES }), (bytes) => {
        const frame = parseFrame(Uint8Array.from([FLOW_VERSION, ...bytes]))
        if (bytes.length >= MAX_HEADER_BODY_BYTES + 3) expect(frame.kind).not.toBe('incomplete')
        decodeFlowRequest(bytes)
        decodeFlowReply(bytes)
        if (frame.kind !== 'frame') return
        expect(frame.body.length).toBeLessThanOrEqual(MAX_HEADER_BODY_BYTES)
        decodeFlowRequest(frame.body)
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuses a request in which one byte was changed, or reads another well-formed one', () => {
    const bytes = encodeFlowRequest({ service: 'web-site' as ServiceName })
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ flip
        const frame = parseFrame(changed)
        const request = frame.kind === 'frame' ? decodeFlowRequest(frame.body) : undefined
        if (request !== undefined) expect(parseServiceName(request.service)).toBe(request.service)
        expect(request).not.toEqual({ service: 'web-site' })
      }),
    )
  })

  it('says when the version is another', () => {
    const bytes = encodeFlowRequest({ service: 'web' as ServiceName })
    bytes[0] = 9
    expect(parseFrame(bytes)).toEqual({ kind: 'other-version', version: 9 })
  })

  it('has one form for each length', () => {
    expect(parseFrame(Uint8Array.of(FLOW_VERSION, 0x81, 0x00, 1)).kind).toBe('malformed')
    expect(parseFrame(Uint8Array.of(FLOW_VERSION, 0x80, 0x80, 1)).kind).toBe('malformed')
    expect(parseFrame(Uint8Array.of(FLOW_VERSION, 0x00)).kind).toBe('malformed')
    const tooLong = MAX_HEADER_BODY_BYTES + 1
    expect(parseFrame(Uint8Array.of(FLOW_VERSION, (tooLong & 0x7f) | 0x80, tooLong >> 7)).kind).toBe(
      'malformed',
    )
  })

  it('cuts a reason that is too long, also in the middle of a character', () => {
    const long = encodeFlowReply({ kind: 'refused', code: 'DENIED', reason: `${'x'.repeat(199)}😀 and more` })
    expect(decodeFlowReply(bodyOf(long))).toMatchObject({ code: 'DENIED' })
  })
})
