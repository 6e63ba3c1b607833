import { createHash } from 'node:crypto'
import { decode, encode } from '@ipld/dag-cbor'
import { z } from 'zod'

/** Deterministic CBOR of a plain value. The value is our own, so a failure is a bug and throws. */
export const encodeStrict = (value: unknown): Uint8Array => new Uint8Array(encode(value))

/** What `encodeFlat` writes: texts, byte strings, and lists of texts. */
export type FlatItem = string | Uint8Array | readonly string[]

/**
 * `encodeStrict` of an array of such items, byte for byte, without its machinery: for what every handshake signs or
 * proves, at each end.
 */
export function encodeFlat(items: readonly FlatItem[]): Uint8Array {
  const parts: Uint8Array[] = [head(ARRAY, items.length)]
  for (const item of items) {
    if (typeof item === 'string') pushText(parts, item)
    else if (item instanceof Uint8Array) parts.push(head(BYTES, item.length), item)
    else {
      parts.push(head(ARRAY, item.length))
      for (const text of item) pushText(parts, text)
    }
  }
  return Buffer.concat(parts)
}

// RFC 8949 section 3.1: the major types, in the upper three bits.
const [BYTES, TEXT, ARRAY] = [2 << 5, 3 << 5, 4 << 5]
const MAX_FLAT_BYTES = 0xffff

function pushText(parts: Uint8Array[], text: string): void {
  const bytes = Buffer.from(text, 'utf8')
  parts.push(head(TEXT, bytes.length), bytes)
}

function head(major: number, length: number): Uint8Array {
  if (length > MAX_FLAT_BYTES) throw new RangeError(`an item of ${length} bytes is too long for a flat array`)
  if (length < 24) return Uint8Array.of(major | length)
  return length < 0x100
    ? Uint8Array.of(major | 24, length)
    : Uint8Array.of(major | 25, length >> 8, length & 0xff)
}

/**
 * Decodes deterministic CBOR that a stranger may have made. `undefined` unless the bytes are at most `maxBytes`, are
 * exactly what `encodeStrict` would write for the value (so one value has one encoding and one hash), and the value
 * fits the schema. Never throws. What it returns shares no memory with the input: the decoder copies byte strings.
 */
export function decodeStrict<T>(schema: z.ZodType<T>, bytes: Uint8Array, maxBytes: number): T | undefined {
  if (bytes.length === 0 || bytes.length > maxBytes) return undefined
  try {
    if (nestsTooDeep(bytes)) return undefined
    const raw: unknown = decode(bytes)
    if (!equalBytes(encode(raw), bytes)) return undefined
    const parsed = schema.safeParse(raw)
    return parsed.success ? parsed.data : undefined
  } catch {
    // Whatever the decoder, the encoder or the schema makes of hostile bytes is one outcome: not a record.
    return undefined
  }
}

const MAX_DEPTH = 16

/**
 * Walks the CBOR headers without building values, so that deep nesting is refused before a recursive decoder sees it.
 * RFC 8949 section 3: major types 4 and 5 hold `n` and `2n` items, 6 holds one. What is malformed is left to the decoder.
 */
function nestsTooDeep(bytes: Uint8Array): boolean {
  const open: number[] = []
  let at = 0
  while (at < bytes.length) {
    const header = bytes[at] ?? 0
    const argument = readArgument(bytes, at)
    if (argument === undefined) return false
    at = argument.next
    const major = header >> 5
    if (major === 2 || major === 3) at += argument.value
    const items = major === 4 ? argument.value : major === 5 ? 2 * argument.value : major === 6 ? 1 : 0
    if (items > 0) {
      open.push(items)
      if (open.length > MAX_DEPTH) return true
      continue
    }
    while (open.length > 0) {
      const left = (open.pop() ?? 0) - 1
      if (left > 0) {
        open.push(left)
        break
      }
    }
  }
  return false
}

function readArgument(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  const low = (bytes[at] ?? 0) & 31
  if (low < 24) return { value: low, next: at + 1 }
  if (low > 27) return undefined
  const size = 2 ** (low - 24)
  if (at + 1 + size > bytes.length) return undefined
  let value = 0
  for (let index = 0; index < size; index++) value = value * 256 + (bytes[at + 1 + index] ?? 0)
  return { value, next: at + 1 + size }
}

/** A schema for exactly `length` bytes. */
export const bytesOf = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length)

/** A schema for 1 to `max` bytes. */
export const bytesUpTo = (max: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length > 0 && value.length <= max)

/** A schema for text that one of the parsers of `domain/ids.ts` takes. */
export const parsedText = <T extends string>(
  parse: (raw: string) => T | undefined,
  message = 'not in the expected form',
): z.ZodType<T> =>
  z.custom<T>((value) => typeof value === 'string' && parse(value) !== undefined, { message })

/** Milliseconds since the Unix epoch, up to the year 9999. */
export const timeMs: z.ZodType<number> = z.int().min(0).max(253_402_300_799_999)

export const sha256Hex = (...parts: readonly Uint8Array[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** Plain equality, for public bytes only: it stops at the first difference. */
function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0
}

/** A lowercase hex SHA-256. */
export const sha256Text: z.ZodType<string> = z.string().regex(/^[0-9a-f]{64}$/)
