/**
 * Frames of a session inside a carrier. Every frame starts with a header of 16 bytes, big-endian:
 *
 *   0      type, see FRAME
 *   1..3   length of the payload that follows, bytes
 *   4..9   first number, 48 bits
 *   10..15 second number, 48 bits
 *
 * A fixed header costs 16 bytes in 64 KiB and lets both ends read a frame without a parser state per field.
 */
export const HEADER_BYTES = 16

const FRAME = { data: 1, ack: 2, fin: 3, reset: 4, ask: 5 } as const

export interface AckFrame {
  readonly kind: 'ack'
  readonly received: number
  readonly credit: number
}

export type SessionFrame =
  /** `payload` stands at `offset` of the byte stream. */
  | { readonly kind: 'data'; readonly offset: number; readonly payload: Uint8Array }
  /** All below `received` has arrived (a FIN counts as one byte); up to `credit` may be sent. */
  | AckFrame
  /** The stream ends at `offset`. */
  | { readonly kind: 'fin'; readonly offset: number }
  /** Ends the session in both directions at once. */
  | { readonly kind: 'reset'; readonly reason: ResetReason }
  /** Wants an `ack` on the same carrier. */
  | { readonly kind: 'ask' }

/** The position on the wire is the code: only ever append. */
export const RESET_REASONS = [
  'aborted',
  'unknown-session',
  'not-resumed',
  'protocol-error',
  'over-limit',
  'denied',
  'gone',
  'finished',
  'unsupported-version',
] as const
export type ResetReason = (typeof RESET_REASONS)[number]

export const MAX_PAYLOAD_BYTES = 128 * 1024
const MAX_NUMBER = 2 ** 48 - 1
const TWO_32 = 2 ** 32

/** The header alone: the payload of a data frame is sent behind it without a copy. */
export function encodeHeader(frame: SessionFrame): Uint8Array {
  switch (frame.kind) {
    case 'data':
      return header(FRAME.data, frame.payload.length, frame.offset, 0)
    case 'ack':
      return header(FRAME.ack, 0, frame.received, frame.credit)
    case 'fin':
      return header(FRAME.fin, 0, frame.offset, 0)
    case 'reset':
      return header(FRAME.reset, 0, RESET_REASONS.indexOf(frame.reason), 0)
    case 'ask':
      return header(FRAME.ask, 0, 0, 0)
  }
}

function header(type: number, length: number, first: number, second: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  bytes[0] = type
  bytes[1] = length >>> 16
  bytes[2] = length >>> 8
  bytes[3] = length
  writeNumber(bytes, 4, first)
  writeNumber(bytes, 10, second)
  return bytes
}

/** 48 bits, big-endian. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_32)
  bytes[at] = high >>> 8
  bytes[at + 1] = high
  bytes[at + 2] = value >>> 24
  bytes[at + 3] = value >>> 16
  bytes[at + 4] = value >>> 8
  bytes[at + 5] = value
}

export function readNumber(bytes: Uint8Array, at: number): number {
  return (
    byteAt(bytes, at) * 2 ** 40 +
    byteAt(bytes, at + 1) * TWO_32 +
    byteAt(bytes, at + 2) * 2 ** 24 +
    ((byteAt(bytes, at + 3) << 16) | (byteAt(bytes, at + 4) << 8) | byteAt(bytes, at + 5))
  )
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0

export interface FrameDecoder {
  /**
   * Hands over what `chunk` holds, in order. A payload comes in as many data frames as it has pieces, each a view of
   * its chunk: nothing is copied but headers, and nothing is held but an incomplete one. False once the bytes are not
   * frames: the carrier is to be dropped.
   */
  push(chunk: Uint8Array): boolean
}

export function createFrameDecoder(onFrame: (frame: SessionFrame) => void): FrameDecoder {
  const partial = new Uint8Array(HEADER_BYTES)
  let held = 0
  let payloadLeft = 0
  let offset = 0
  let broken = false

  const takeHeader = (bytes: Uint8Array, at: number): boolean => {
    const length = (byteAt(bytes, at + 1) << 16) | (byteAt(bytes, at + 2) << 8) | byteAt(bytes, at + 3)
    const first = readNumber(bytes, at + 4)
    const second = readNumber(bytes, at + 10)
    if (bytes[at] === FRAME.data) {
      if (length === 0 || length > MAX_PAYLOAD_BYTES || second !== 0) return false
      payloadLeft = length
      offset = first
      return first + length <= MAX_NUMBER
    }
    const frame = length === 0 ? decodeControl(bytes[at], first, second) : undefined
    if (frame === undefined) return false
    onFrame(frame)
    return true
  }
  const takeChunk = (chunk: Uint8Array): boolean => {
    for (let at = 0; at < chunk.length; ) {
      if (payloadLeft > 0) {
        const payload = chunk.subarray(at, at + payloadLeft)
        const frame = { kind: 'data', offset, payload } as const
        at += payload.length
        offset += payload.length
        payloadLeft -= payload.length
        onFrame(frame)
      } else if (held === 0 && chunk.length - at >= HEADER_BYTES) {
        if (!takeHeader(chunk, at)) return false
        at += HEADER_BYTES
      } else {
        const size = Math.min(HEADER_BYTES - held, chunk.length - at)
        partial.set(chunk.subarray(at, at + size), held)
        held += size
        at += size
        if (held < HEADER_BYTES) return true
        held = 0
        if (!takeHeader(partial, 0)) return false
      }
    }
    return true
  }
  return {
    push(chunk) {
      if (!broken) broken = !takeChunk(chunk)
      return !broken
    },
  }
}

function decodeControl(type: number | undefined, first: number, second: number): SessionFrame | undefined {
  switch (type) {
    case FRAME.ack:
      return { kind: 'ack', received: first, credit: second }
    case FRAME.fin:
      return second === 0 ? { kind: 'fin', offset: first } : undefined
    case FRAME.ask:
      return first === 0 && second === 0 ? { kind: 'ask' } : undefined
    case FRAME.reset: {
      const reason = second === 0 ? RESET_REASONS[first] : undefined
      return reason === undefined ? undefined : { kind: 'reset', reason }
    }
    default:
      return undefined
  }
}
