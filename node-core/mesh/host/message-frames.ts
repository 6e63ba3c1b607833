import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { FaultError } from '../../platform/error.ts'
import { type HostFault, hostFault } from './host-fault.ts'
import { closedEarly, createReadValve, drained, waitAborted } from './stream-control.ts'

const LENGTH_BYTES = 4

export interface FrameLimits {
  /** A longer frame is refused on either side; the reader resets the stream. */
  readonly maxFrameBytes: number
}

/**
 * Messages over a libp2p stream: each is a 32-bit big-endian length and that many bytes.
 * Takes over the stream's reading; at most one frame and one muxer window are buffered.
 */
export interface MessageFrames {
  /**
   * The next frame, or `undefined` after the other end's clean close. One read at a time.
   *
   * @throws FaultError FRAME_TOO_LARGE, FRAME_TRUNCATED, STREAM_CLOSED; ABORTED with the signal, after which reading
   * can go on
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>
  /**
   * Resolves once the stream has room for more. Frames of calls that overlap go out in the order of the calls.
   *
   * @throws FaultError FRAME_TOO_LARGE, STREAM_CLOSED; ABORTED with the signal, when the frame is still sent
   */
  write(frame: Uint8Array, signal?: AbortSignal): Promise<void>
  /** Closes this end's writing; the other end reads `undefined` after the last frame. */
  end(signal?: AbortSignal): Promise<void>
  /** Resets the stream both ways. */
  abort(error: Error): void
}

type ReadState =
  | { readonly kind: 'open' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: FaultError<HostFault> }

export function createMessageFrames(stream: Stream, { maxFrameBytes }: FrameLimits): MessageFrames {
  const reader = createFrameReader(stream, maxFrameBytes)
  return {
    read: reader.read,
    async write(frame, signal) {
      if (frame.byteLength > maxFrameBytes) throw tooLarge(frame.byteLength, maxFrameBytes)
      if (stream.writeStatus !== 'writable') throw closedEarly(undefined)
      const hasRoom = send(stream, encodeFrame(frame))
      if (!hasRoom) await drained(stream, signal)
    },
    async end(signal) {
      await stream.close(signal === undefined ? {} : { signal })
    },
    abort: (error) => stream.abort(error),
  }
}

function send(stream: Stream, bytes: Uint8ArrayList): boolean {
  try {
    return stream.send(bytes)
  } catch (error) {
    throw closedEarly(error)
  }
}

/** Length and bytes of one frame, as it goes over the stream. */
export function encodeFrame(frame: Uint8Array): Uint8ArrayList {
  const length = new Uint8Array(LENGTH_BYTES)
  new DataView(length.buffer).setUint32(0, frame.byteLength)
  return new Uint8ArrayList(length, frame)
}

const tooLarge = (sizeBytes: number, limitBytes: number): FaultError<HostFault> =>
  hostFault(
    { code: 'FRAME_TOO_LARGE', sizeBytes, limitBytes },
    `a frame of ${sizeBytes} bytes is over the limit of ${limitBytes}`,
  )

function initialState(stream: Stream, finished: boolean): ReadState {
  if (finished && stream.readableEnded) return { kind: 'ended' }
  return stream.status === 'open' ? { kind: 'open' } : { kind: 'failed', error: closedEarly(undefined) }
}

function createFrameReader(stream: Stream, maxFrameBytes: number) {
  const buffer = new Uint8ArrayList()
  const valve = createReadValve(stream)
  // The other end may have sent all it had and closed before anybody listened.
  let finished = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
  let state: ReadState = initialState(stream, finished)
  let waiting: (() => void) | undefined

  const wake = (): void => {
    const resolve = waiting
    waiting = undefined
    resolve?.()
  }
  const fail = (error: FaultError<HostFault>): void => {
    if (state.kind === 'open') state = { kind: 'failed', error }
    wake()
  }
  stream.addEventListener('message', (event) => {
    if (state.kind !== 'open') return
    buffer.append(event.data)
    if (buffer.byteLength >= LENGTH_BYTES + maxFrameBytes) valve.pause()
    wake()
  })
  stream.addEventListener('remoteCloseWrite', () => {
    finished = true
  })
  // `end` comes after the last buffered byte was handed out, `remoteCloseWrite` before.
  stream.addEventListener('end', () => {
    if (finished && state.kind === 'open') state = { kind: 'ended' }
    wake()
  })
  stream.addEventListener('close', (event) => {
    if (event.error !== undefined || !finished) fail(closedEarly(event.error))
    wake()
  })

  const take = (): Uint8Array | undefined => {
    if (buffer.byteLength < LENGTH_BYTES) return undefined
    const length = buffer.getUint32(0)
    if (length > maxFrameBytes) {
      const error = tooLarge(length, maxFrameBytes)
      fail(error)
      stream.abort(error)
      throw error
    }
    if (buffer.byteLength < LENGTH_BYTES + length) return undefined
    const frame = buffer.slice(LENGTH_BYTES, LENGTH_BYTES + length)
    buffer.consume(LENGTH_BYTES + length)
    if (buffer.byteLength < LENGTH_BYTES + maxFrameBytes) valve.resume()
    return frame
  }

  const read = async (signal?: AbortSignal): Promise<Uint8Array | undefined> => {
    for (;;) {
      const frame = take()
      if (frame !== undefined) return frame
      if (state.kind === 'failed') throw state.error
      if (state.kind === 'ended') {
        if (buffer.byteLength === 0) return undefined
        throw hostFault({ code: 'FRAME_TRUNCATED' }, 'the stream ended inside a frame')
      }
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          waiting = undefined
          reject(waitAborted(signal))
        }
        if (signal?.aborted === true) {
          onAbort()
          return
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        waiting = () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
      })
    }
  }
  return { read }
}
