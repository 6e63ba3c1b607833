import { z } from 'zod'
import type { PeerId } from '../../domain/ids.ts'
import { peerIdSchema } from '../../security/certificate.ts'
import { decodeStrict, encodeStrict } from '../../security/codec.ts'
import { ROUTE_REFUSALS, type RouteRefusal, type RouteRefusalCode } from './route-fault.ts'

/** Links that a route may use. */
export const MAX_HOPS = 8
/** What a header may name at all: longer than any allowed route, so that one hop too many gets a typed refusal. */
const MAX_PATH = 32
/** Header or reply, on the wire. */
export const MAX_SETUP_FRAME_BYTES = 2_048

/**
 * First frame on a route's stream. `path` runs from the node that opens the route to its far end, `at` is the index of
 * the node that reads the header. What comes before `at - 1` is the word of the previous hop alone.
 */
export interface RouteHeader {
  readonly path: readonly PeerId[]
  readonly at: number
}

/** The answer, passed back hop by hop. After `open` the stream belongs to the two ends. */
export type RouteReply =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly refusal: RouteRefusal }

const headerSchema: z.ZodType<{ v: 1; path: readonly PeerId[]; at: number }> = z
  .strictObject({
    v: z.literal(1),
    path: z.array(peerIdSchema).min(2).max(MAX_PATH),
    at: z.int().min(1),
  })
  .refine(({ path, at }) => at < path.length)

const refusalCodes = Object.keys(ROUTE_REFUSALS) as [RouteRefusalCode, ...RouteRefusalCode[]]

const replySchema = z.union([
  z.strictObject({ v: z.literal(1), ok: z.literal(true) }),
  z.strictObject({
    v: z.literal(1),
    ok: z.literal(false),
    code: z.enum(refusalCodes),
    at: peerIdSchema,
  }),
])

/** dag-cbor `{ v: 1, path: [text], at }`. */
export const encodeHeader = ({ path, at }: RouteHeader): Uint8Array => encodeStrict({ v: 1, path, at })

/** `undefined` for anything but the exact encoding of a header. Never throws. */
export function decodeHeader(bytes: Uint8Array): RouteHeader | undefined {
  const header = decodeStrict(headerSchema, bytes, MAX_SETUP_FRAME_BYTES)
  return header === undefined ? undefined : { path: header.path, at: header.at }
}

/** dag-cbor `{ v: 1, ok: true }` or `{ v: 1, ok: false, code, at }`. */
export const encodeReply = (reply: RouteReply): Uint8Array =>
  encodeStrict(
    reply.kind === 'open'
      ? { v: 1, ok: true }
      : { v: 1, ok: false, code: reply.refusal.code, at: reply.refusal.at },
  )

/** `undefined` for anything but the exact encoding of a reply. Never throws. */
export function decodeReply(bytes: Uint8Array): RouteReply | undefined {
  const reply = decodeStrict(replySchema, bytes, MAX_SETUP_FRAME_BYTES)
  if (reply === undefined) return undefined
  return reply.ok ? { kind: 'open' } : { kind: 'refused', refusal: { code: reply.code, at: reply.at } }
}
