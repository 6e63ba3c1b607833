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

export const FRAME = { data: 1, ack: 2, fin: 3, reset: 4 } as const

export type SessionFrame =
  /** `payload` stands at `offset` of the byte stream. */
  | { readonly kind: 'data'; readonly offset: number; readonly payload: Uint8Array }
  /** All below `received` has arrived (a FIN counts as one byte); up to `credit` may be sent. */
  | { readonly kind: 'ack'; readonly received: number; readonly credit: number }
  /** The stream ends at `offset`. */
  | { readonly kind: 'fin'; readonly offset: number }
  | { readonly kind: 'reset'; readonly reason: ResetReason }

export const RESET_REASONS = [
  'aborted',
  'unknown-session',
  'not-resumed',
  'protocol-error',
  'over-limit',
  'denied',
  'gone',
] as const
export type ResetReason = (typeof RESET_REASONS)[number]

export const MAX_PAYLOAD_BYTES = 64 * 1024
const MAX_NUMBER = 2 ** 48 - 1

function header(type: number, length: number, first: number, second: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, type * 2 ** 24 + length)
  view.setUint16(4, Math.floor(first / 2 ** 32))
  view.setUint32(6, first % 2 ** 32)
  view.setUint16(10, Math.floor(second / 2 ** 32))
  view.setUint32(12, second % 2 ** 32)
  return bytes
}

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
  }
}

export interface FrameDecoder {
  /** Frames that `chunk` completes, in order. `undefined` once the bytes are not frames: the carrier is to be dropped. */
  push(chunk: Uint8Array): readonly SessionFrame[] | undefined
}

/**
 * Cuts frames out of a byte stream. Holds at most one incomplete frame, and joins its pieces only once all are there,
 * so that a sender of single bytes costs no more than its bytes. A payload that lies in one chunk is not copied.
 */
export function createFrameDecoder(): FrameDecoder {
  let pieces: Uint8Array[] = []
  let held = 0
  let needed = HEADER_BYTES
  let broken = false
  return {
    push(chunk) {
      if (broken) return undefined
      pieces.push(chunk)
      held += chunk.length
      if (held < needed) return []
      const bytes = pieces.length === 1 ? chunk : concatenate(pieces, held)
      const cut = cutFrames(bytes)
      if (cut === undefined) {
        broken = true
        pieces = []
        return undefined
      }
      // A copy, because the rest may be a few bytes of a large chunk that would stay alive with it.
      const rest = bytes.slice(cut.end)
      pieces = rest.length === 0 ? [] : [rest]
      held = rest.length
      needed = cut.needed
      return cut.frames
    },
  }
}

function concatenate(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

/** The frames in `bytes`, where they end, and how many bytes the next one needs at least. */
function cutFrames(bytes: Uint8Array): { frames: SessionFrame[]; end: number; needed: number } | undefined {
  const frames: SessionFrame[] = []
  let at = 0
  while (bytes.length - at >= HEADER_BYTES) {
    const length = ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)
    if (length > MAX_PAYLOAD_BYTES) return undefined
    const end = at + HEADER_BYTES + length
    if (bytes.length < end) return { frames, end: at, needed: HEADER_BYTES + length }
    const frame = decodeFrame(bytes.subarray(at, end))
    if (frame === undefined) return undefined
    frames.push(frame)
    at = end
  }
  return { frames, end: at, needed: HEADER_BYTES }
}

function decodeFrame(bytes: Uint8Array): SessionFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const first = view.getUint16(4) * 2 ** 32 + view.getUint32(6)
  const second = view.getUint16(10) * 2 ** 32 + view.getUint32(12)
  const payload = bytes.subarray(HEADER_BYTES)
  const type = bytes[0]
  if (type === FRAME.data) {
    const fits = payload.length > 0 && second === 0 && first + payload.length <= MAX_NUMBER
    return fits ? { kind: 'data', offset: first, payload } : undefined
  }
  if (payload.length > 0) return undefined
  if (type === FRAME.ack) return { kind: 'ack', received: first, credit: second }
  if (type === FRAME.fin) return second === 0 ? { kind: 'fin', offset: first } : undefined
  if (type === FRAME.reset) {
    const reason = second === 0 ? RESET_REASONS[first] : undefined
    return reason === undefined ? undefined : { kind: 'reset', reason }
  }
  return undefined
}
