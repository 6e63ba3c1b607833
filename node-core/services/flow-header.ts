import { z } from 'zod'
import type { ServiceName } from '../domain/ids.ts'
import { parseServiceName } from '../domain/ids.ts'
import { decodeStrict, encodeStrict, parsedText } from '../security/codec.ts'

/*
 * What the two ends of a flow say to each other before the bytes of the service: the consumer names the service, the
 * provider accepts or refuses. Each message is
 *
 *   version: one byte | length of the body: varint, at most two bytes | body: deterministic CBOR
 *
 * A new field needs a new version, because an unknown field is refused.
 */

export const FLOW_VERSION = 1
export const MAX_HEADER_BODY_BYTES = 1024
const MAX_REASON_LENGTH = 200

/** Why a provider does not carry a flow. All of them let the consumer try another provider. */
export const FLOW_REFUSALS = [
  'NO_SUCH_SERVICE',
  'DENIED',
  'TARGET_REFUSED',
  'TARGET_TIMEOUT',
  'OVERLOADED',
  'UNSUPPORTED_VERSION',
] as const
export type FlowRefusal = (typeof FLOW_REFUSALS)[number]

export interface FlowRequest {
  readonly service: ServiceName
}

export type FlowReply =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly code: FlowRefusal; readonly reason: string }

const requestSchema = z.strictObject({ service: parsedText(parseServiceName) })
const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accepted') }),
  z.strictObject({
    kind: z.literal('refused'),
    code: z.enum(FLOW_REFUSALS),
    reason: z.string().max(MAX_REASON_LENGTH),
  }),
])

export const encodeFlowRequest = (request: FlowRequest): Uint8Array =>
  encodeFrame({ service: request.service })

export const decodeFlowRequest = (body: Uint8Array): FlowRequest | undefined =>
  decodeStrict(requestSchema, body, MAX_HEADER_BODY_BYTES)

/** Reasons that are too long are cut. */
export const encodeFlowReply = (reply: FlowReply): Uint8Array =>
  encodeFrame(
    reply.kind === 'accepted'
      ? { kind: reply.kind }
      : {
          kind: reply.kind,
          code: reply.code,
          reason: reply.reason.slice(0, MAX_REASON_LENGTH).toWellFormed(),
        },
  )

export const decodeFlowReply = (body: Uint8Array): FlowReply | undefined =>
  decodeStrict(replySchema, body, MAX_HEADER_BODY_BYTES)

function encodeFrame(value: unknown): Uint8Array {
  const body = encodeStrict(value)
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Uint8Array.from([FLOW_VERSION, ...length, ...body])
}

export type ParsedFrame =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'other-version'; readonly version: number }
  /** `end` is where the bytes after the message begin. */
  | { readonly kind: 'frame'; readonly body: Uint8Array; readonly end: number }

/** Looks for one message at the start of `bytes`. Never asks for more than the limit and never throws. */
export function parseFrame(bytes: Uint8Array): ParsedFrame {
  const [version, low, high] = bytes
  if (version === undefined) return { kind: 'incomplete' }
  if (version !== FLOW_VERSION) return { kind: 'other-version', version }
  if (low === undefined) return { kind: 'incomplete' }
  let length = low
  let start = 2
  if (low >= 0x80) {
    if (high === undefined) return { kind: 'incomplete' }
    // One length has one form: a second byte of zero, or one that asks for a third, is refused.
    if (high === 0 || high >= 0x80) return { kind: 'malformed' }
    length = (low & 0x7f) | (high << 7)
    start = 3
  }
  if (length === 0 || length > MAX_HEADER_BODY_BYTES) return { kind: 'malformed' }
  const end = start + length
  return bytes.length < end
    ? { kind: 'incomplete' }
    : { kind: 'frame', body: bytes.subarray(start, end), end }
}
