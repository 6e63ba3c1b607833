import { handshakeError, type MessageName } from './faults.ts'

/**
 * What libp2p puts into the payloads of B and C (specs/noise, "The libp2p Handshake Payload"), in protobuf:
 *
 *     message NoiseExtensions { repeated bytes webtransport_certhashes = 1; repeated string stream_muxers = 2; }
 *     message NoiseHandshakePayload { bytes identity_key = 1; bytes identity_sig = 2; NoiseExtensions extensions = 4; }
 */
export interface Libp2pPayload {
  /** A libp2p public key in its protobuf form. */
  readonly identityKey: Uint8Array
  /** The identity's signature over `noise-libp2p-static-key:` and the Noise static key. */
  readonly identitySignature: Uint8Array
  /** Protocol ids, in order of preference. */
  readonly streamMuxers: readonly string[]
}

/** Room for an RSA-4096 identity, its signature and WebTransport hashes; an Ed25519 identity needs 130 bytes. */
export const MAX_PAYLOAD_BYTES = 4096

const MAX_MUXERS = 8
const MAX_MUXER_BYTES = 64
const LENGTH_DELIMITED = 2
const FIELD = { identityKey: 1, identitySignature: 2, extensions: 4, streamMuxers: 2 } as const
const CONTINUE = 0x80

function field(number: number, value: Uint8Array): Uint8Array {
  const head = [(number << 3) | LENGTH_DELIMITED]
  let rest = value.length
  for (; rest >= CONTINUE; rest >>>= 7) head.push((rest & 0x7f) | CONTINUE)
  head.push(rest)
  return Buffer.concat([Uint8Array.from(head), value])
}

export function encodePayload(payload: Libp2pPayload): Uint8Array {
  const parts = [
    field(FIELD.identityKey, payload.identityKey),
    field(FIELD.identitySignature, payload.identitySignature),
  ]
  if (payload.streamMuxers.length > 0) {
    const encoder = new TextEncoder()
    const muxers = payload.streamMuxers.map((muxer) => field(FIELD.streamMuxers, encoder.encode(muxer)))
    parts.push(field(FIELD.extensions, Buffer.concat(muxers)))
  }
  return Buffer.concat(parts)
}

/** A cursor over protobuf; `undefined` from any read means that the bytes are not protobuf. */
interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** A varint of at most 32 bits, which is more than any length or key here can be. */
function readVarint(cursor: Cursor): number | undefined {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.bytes[cursor.at]
    if (byte === undefined) return undefined
    cursor.at += 1
    value += (byte & 0x7f) * 2 ** shift
    if (byte < CONTINUE) return value
  }
  return undefined
}

/** Skips the values of the wire types that this message never uses, as protobuf wants of unknown fields. */
function skip(cursor: Cursor, wireType: number): boolean {
  if (wireType === 0) {
    // Up to ten bytes, of which only the end matters.
    for (let i = 0; i < 10; i += 1) {
      const byte = cursor.bytes[cursor.at]
      if (byte === undefined) return false
      cursor.at += 1
      if (byte < CONTINUE) return true
    }
    return false
  }
  if (wireType !== 1 && wireType !== 5) return false
  cursor.at += wireType === 1 ? 8 : 4
  return cursor.at <= cursor.bytes.length
}

/** Calls `visit` for every length-delimited field. False when the bytes are not protobuf. */
function eachField(bytes: Uint8Array, visit: (number: number, value: Uint8Array) => boolean): boolean {
  const cursor: Cursor = { bytes, at: 0 }
  while (cursor.at < bytes.length) {
    const key = readVarint(cursor)
    if (key === undefined) return false
    const wireType = key & 7
    if (wireType !== LENGTH_DELIMITED) {
      if (!skip(cursor, wireType)) return false
      continue
    }
    const length = readVarint(cursor)
    if (length === undefined || length > bytes.length - cursor.at) return false
    if (!visit(Math.floor(key / 8), bytes.subarray(cursor.at, cursor.at + length))) return false
    cursor.at += length
  }
  return true
}

function decodeMuxers(bytes: Uint8Array): string[] | undefined {
  const muxers: string[] = []
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const ok = eachField(bytes, (number, value) => {
    if (number !== FIELD.streamMuxers) return true
    if (muxers.length === MAX_MUXERS || value.length > MAX_MUXER_BYTES) return false
    try {
      muxers.push(decoder.decode(value))
      return true
    } catch {
      return false
    }
  })
  return ok ? muxers : undefined
}

/** @throws HandshakeError MESSAGE_MALFORMED, MESSAGE_TOO_LARGE */
export function decodePayload(message: MessageName, bytes: Uint8Array): Libp2pPayload {
  if (bytes.length > MAX_PAYLOAD_BYTES) {
    throw handshakeError({ code: 'MESSAGE_TOO_LARGE', message, limitBytes: MAX_PAYLOAD_BYTES })
  }
  let identityKey: Uint8Array | undefined
  let identitySignature: Uint8Array | undefined
  let streamMuxers: readonly string[] | undefined = []
  const ok = eachField(bytes, (number, value) => {
    if (number === FIELD.identityKey) identityKey = value
    if (number === FIELD.identitySignature) identitySignature = value
    if (number === FIELD.extensions) streamMuxers = decodeMuxers(value)
    return streamMuxers !== undefined
  })
  if (!ok || identityKey === undefined || identitySignature === undefined || streamMuxers === undefined) {
    throw handshakeError({ code: 'MESSAGE_MALFORMED', message })
  }
  return { identityKey, identitySignature, streamMuxers }
}
