import type { Duplex } from 'node:stream'
import { hostFault } from '../host/host-fault.ts'
import { encodeFrame } from '../host/message-frames.ts'
import { closedEarly, waitAborted } from '../host/stream-control.ts'
import { MAX_SETUP_FRAME_BYTES } from './route-header.ts'

const LENGTH_BYTES = 4

/** Writes one frame of a route's set-up: a 32-bit big-endian length and that many bytes. */
export function writeSetupFrame(flow: Duplex, frame: Uint8Array): void {
  flow.write(encodeFrame(frame).subarray())
}

/**
 * Reads one such frame and nothing beyond it: the bytes behind it are the route's.
 *
 * @throws FaultError FRAME_TOO_LARGE, STREAM_CLOSED, ABORTED
 */
export async function readSetupFrame(flow: Duplex, signal: AbortSignal): Promise<Uint8Array> {
  const length = (await readExactly(flow, LENGTH_BYTES, signal)).readUInt32BE(0)
  if (length === 0 || length > MAX_SETUP_FRAME_BYTES) {
    throw hostFault(
      { code: 'FRAME_TOO_LARGE', sizeBytes: length, limitBytes: MAX_SETUP_FRAME_BYTES },
      `a frame of ${length} bytes does not set up a route`,
    )
  }
  return await readExactly(flow, length, signal)
}

async function readExactly(flow: Duplex, size: number, signal: AbortSignal): Promise<Buffer> {
  for (;;) {
    if (signal.aborted) throw waitAborted(signal)
    const chunk: Buffer | null = flow.read(size)
    // At the end of a stream `read` hands out what is left, however little.
    if (chunk !== null && chunk.length === size) return chunk
    if (chunk !== null || flow.readableEnded || flow.destroyed) throw closedEarly(flow.errored)
    await readable(flow, signal)
  }
}

const WAKING_EVENTS = ['readable', 'end', 'close'] as const

function readable(flow: Duplex, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      for (const event of WAKING_EVENTS) flow.off(event, wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    for (const event of WAKING_EVENTS) flow.on(event, wake)
    signal.addEventListener('abort', wake, { once: true })
  })
}
