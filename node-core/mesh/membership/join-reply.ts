import { z } from 'zod'
import { type JoinId, parseJoinId } from '../../domain/ids.ts'
import { MAX_CHAIN_BYTES } from '../../security/chain.ts'
import { bytesUpTo, decodeStrict, encodeStrict, parsedText } from '../../security/codec.ts'
import { isRefusalCode, type RefusalCode } from './events.ts'

/** An issuer's answer to a join request, also as it travels back to a carrier over `/x0t/join/1`. */
export type JoinReply =
  | { readonly kind: 'joined'; readonly chain: Uint8Array }
  | { readonly kind: 'pending'; readonly joinId: JoinId }
  /** `genuine`: the request was signed by the invite's keys, so whoever asks may be told who answers. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly genuine: boolean }

export const MAX_JOIN_REPLY_BYTES = MAX_CHAIN_BYTES + 1_024

const refusalCode = z.custom<RefusalCode>((value) => typeof value === 'string' && isRefusalCode(value))

const schema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('joined'), chain: bytesUpTo(MAX_CHAIN_BYTES) }),
  z.strictObject({ kind: z.literal('pending'), joinId: parsedText(parseJoinId) }),
  z.strictObject({ kind: z.literal('refused'), code: refusalCode, genuine: z.boolean() }),
])

export const encodeJoinReply = (reply: JoinReply): Uint8Array => encodeStrict(reply)

/** `undefined` for anything but the exact encoding of a reply. Never throws. */
export const decodeJoinReply = (bytes: Uint8Array): JoinReply | undefined =>
  decodeStrict<JoinReply>(schema, bytes, MAX_JOIN_REPLY_BYTES)
