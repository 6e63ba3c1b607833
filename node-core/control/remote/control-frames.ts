import { z } from 'zod'
import type { Frame } from '../rpc-peer.ts'

const TEXT = 0
const BINARY = 1

/** A frame of oRPC on a stream: one byte that says which kind it is, then the frame. */
export function encodeRpcFrame(frame: Frame): Uint8Array {
  const bytes = typeof frame === 'string' ? new TextEncoder().encode(frame) : frame
  const out = new Uint8Array(bytes.length + 1)
  out[0] = typeof frame === 'string' ? TEXT : BINARY
  out.set(bytes, 1)
  return out
}

export function decodeRpcFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes[0] === TEXT) return new TextDecoder().decode(bytes.subarray(1))
  return bytes[0] === BINARY ? Uint8Array.from(bytes.subarray(1)) : undefined
}

/** The first frame, from the node that is asked: which run of it this is. */
const helloSchema = z.object({ schema: z.literal(1), epoch: z.base64() })

export function encodeHello(epoch: Uint8Array): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ schema: 1, epoch: Buffer.from(epoch).toString('base64') }))
}

export function decodeHello(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined || bytes.length > 1_024) return undefined
  try {
    const hello = helloSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
    return hello.success ? new Uint8Array(Buffer.from(hello.data.epoch, 'base64')) : undefined
  } catch {
    return undefined
  }
}
