import { z } from 'zod'
import { bytesUpTo, decodeStrict, encodeStrict, sha256Hex, sha256Text } from '../../security/codec.ts'
import type { DigestLine, Item, ItemName } from './replica.ts'

export const MAX_FLOOD_FRAME_BYTES = 64 * 1024
/** Items are put together in frames of about this size; a larger item has a frame of its own. */
const BATCH_BYTES = 32 * 1024
const MAX_ITEM_BYTES = MAX_FLOOD_FRAME_BYTES - 1_024
const LINES_IN_FRAME = 256
const MAX_ITEMS_IN_FRAME = 64
export const MAX_WANTS_IN_FRAME = 64

/** One frame between two neighbours, deterministic CBOR. */
export type FloodMessage<K extends string = string> =
  /** What the sender holds. The last frame of a digest says so. */
  | { readonly kind: 'digest'; readonly lines: readonly DigestLine<K>[]; readonly last: boolean }
  /** Hex SHA-256 over the sender's digest: when the receiver's differs, it answers with its own digest. */
  | { readonly kind: 'summary'; readonly hash: string }
  | { readonly kind: 'items'; readonly items: readonly Item<K>[] }
  /** What the sender lacks to judge something that the receiver sent. */
  | { readonly kind: 'want'; readonly names: readonly ItemName<K>[] }

export interface FloodCodec<K extends string> {
  encode(message: FloodMessage<K>): Uint8Array
  /** `undefined` for anything but the exact encoding of a message. Never throws. */
  decode(bytes: Uint8Array): FloodMessage<K> | undefined
}

/** @param kinds of the items that travel */
export function createFloodCodec<K extends string>(kinds: readonly K[]): FloodCodec<K> {
  const kind: z.ZodType<K> = z.custom<K>((value) => kinds.some((known) => known === value))
  const name = z.string().min(1).max(160)
  const line: z.ZodType<DigestLine<K>> = z.strictObject({
    ...{ kind, name },
    version: z.array(z.union([z.int().min(0), z.string().max(64)])).max(4),
  })
  const item: z.ZodType<Item<K>> = z.strictObject({ kind, bytes: bytesUpTo(MAX_ITEM_BYTES) })
  const wanted: z.ZodType<ItemName<K>> = z.strictObject({ kind, name })
  const schema: z.ZodType<FloodMessage<K>> = z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('digest'),
      lines: z.array(line).max(LINES_IN_FRAME),
      last: z.boolean(),
    }),
    z.strictObject({ kind: z.literal('summary'), hash: sha256Text }),
    z.strictObject({ kind: z.literal('items'), items: z.array(item).min(1).max(MAX_ITEMS_IN_FRAME) }),
    z.strictObject({ kind: z.literal('want'), names: z.array(wanted).min(1).max(MAX_WANTS_IN_FRAME) }),
  ])
  return {
    encode: (message) => encodeStrict(message),
    decode: (bytes) => decodeStrict(schema, bytes, MAX_FLOOD_FRAME_BYTES),
  }
}

/** A digest in as many messages as it needs, at least one. */
export function digestMessages<K extends string>(
  lines: readonly DigestLine<K>[],
): readonly FloodMessage<K>[] {
  const messages: FloodMessage<K>[] = []
  for (let at = 0; at === 0 || at < lines.length; at += LINES_IN_FRAME) {
    const last = at + LINES_IN_FRAME >= lines.length
    messages.push({ kind: 'digest', lines: lines.slice(at, at + LINES_IN_FRAME), last })
  }
  return messages
}

/** True when a batch with this much in it should be sent before more is added. */
export const isFull = (items: readonly Item[]): boolean =>
  items.length >= MAX_ITEMS_IN_FRAME || sizeOf(items) >= BATCH_BYTES

/** True when the item does not fit beside the others any more. */
export const overflows = (items: readonly Item[], next: Item): boolean =>
  items.length > 0 && sizeOf(items) + next.bytes.length > BATCH_BYTES

const sizeOf = (items: readonly Item[]): number => items.reduce((sum, item) => sum + item.bytes.length, 0)

/** Independent of the order of the lines. */
export function summaryOf(lines: readonly DigestLine[]): string {
  const texts = lines.map((entry) => `${entry.kind} ${entry.name} ${entry.version.join(' ')}`).sort()
  return sha256Hex(new TextEncoder().encode(texts.join('\n')))
}
