import type { SecuredStream } from '../../noise-hfs/secured-stream.ts'
import { hostFault } from '../host/host-fault.ts'

/*
 * The frames of yamux: https://github.com/hashicorp/yamux/blob/master/spec.md
 * Version 0, type, flags (16), stream id (32), length (32), big-endian; then the bytes of a data frame.
 */

const HEADER_BYTES = 12

export const FRAME = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
export const FLAG = { none: 0, syn: 1, ack: 2, fin: 4, rst: 8 } as const
export const GO_AWAY = { normal: 0, protocolError: 1, internalError: 2 } as const

/**
 * Data that fills one frame of the cipher with its header, so that whoever passes it on can do so at once, and whole.
 */
export const maxDataBytes = (carrier: Pick<SecuredStream, 'maxTextBytes'>): number =>
  carrier.maxTextBytes - HEADER_BYTES

export interface MuxHeader {
  /** One of `FRAME`, if the other end keeps to the rules. */
  readonly type: number
  readonly flags: number
  readonly streamId: number
  /** Bytes of data, credit, the number of a ping or the reason of a farewell. */
  readonly length: number
}

export function encodeHeader({ type, flags, streamId, length }: MuxHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, streamId)
  view.setUint32(8, length)
  return bytes
}

function decodeHeader(bytes: Uint8Array): MuxHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  if (view.getUint8(0) !== 0) throw broken('a frame of another version')
  return {
    type: view.getUint8(1),
    flags: view.getUint16(2),
    streamId: view.getUint32(4),
    length: view.getUint32(8),
  }
}

/** The other end does not keep to the rules of the muxer: its connection ends. */
export const broken = (what: string) => hostFault({ code: 'MUXER_BROKEN', what }, `the muxer got ${what}`)

export interface MuxFrames {
  /** A frame begins. The bytes of a data frame follow. */
  header(header: MuxHeader): void
  /** Some bytes of the data frame that has begun, never none. */
  data(bytes: Uint8Array): void
  /** The data frame that has begun is complete. */
  dataEnd(): void
  /** A whole data frame, which came without encryption. */
  bare(header: MuxHeader, bytes: Uint8Array): void
}

export interface MuxDecoder {
  /** @throws FaultError MUXER_BROKEN */
  push(bytes: Uint8Array): void
  /** Takes a data frame that came in one piece and without encryption. @throws FaultError MUXER_BROKEN */
  pushBare(frame: Uint8Array): void
}

/** Cuts bytes into frames. Data is handed on as it comes, without a copy; it does not wait for the end of its frame. */
export function createMuxDecoder(frames: MuxFrames): MuxDecoder {
  const held = new Uint8Array(HEADER_BYTES)
  let heldBytes = 0
  let missing = 0

  const begin = (header: MuxHeader): void => {
    frames.header(header)
    if (header.type !== FRAME.data) return
    missing = header.length
    if (missing === 0) frames.dataEnd()
  }
  /** Returns how many bytes it took. */
  const takeHeader = (bytes: Uint8Array): number => {
    if (heldBytes === 0 && bytes.length >= HEADER_BYTES) {
      begin(decodeHeader(bytes))
      return HEADER_BYTES
    }
    const part = bytes.subarray(0, HEADER_BYTES - heldBytes)
    held.set(part, heldBytes)
    heldBytes += part.length
    if (heldBytes === HEADER_BYTES) {
      heldBytes = 0
      begin(decodeHeader(held))
    }
    return part.length
  }

  return {
    pushBare(frame) {
      if (heldBytes > 0 || missing > 0 || frame.length < HEADER_BYTES)
        throw broken('a bare frame inside another')
      const header = decodeHeader(frame)
      const isPlainData = header.type === FRAME.data && header.flags === FLAG.none && header.streamId !== 0
      if (!isPlainData || header.length !== frame.length - HEADER_BYTES)
        throw broken('a bare frame that is not data')
      frames.bare(header, frame.subarray(HEADER_BYTES))
    },
    push(bytes) {
      let rest = bytes
      while (rest.length > 0) {
        if (missing === 0) {
          rest = rest.subarray(takeHeader(rest))
          continue
        }
        const part = rest.subarray(0, missing)
        missing -= part.length
        frames.data(part)
        if (missing === 0) frames.dataEnd()
        rest = rest.subarray(part.length)
      }
    },
  }
}
