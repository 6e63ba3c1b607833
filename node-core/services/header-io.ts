import type { Duplex } from 'node:stream'
import type { ParsedFrame } from './flow-header.ts'
import { parseFrame } from './flow-header.ts'

/** `end` is where the bytes after the message begin; `undefined` means that more bytes are needed. */
export type ParseMessage<T> = (held: Uint8Array) => { readonly value: T; readonly end: number } | undefined

export type ReadMessage<T> =
  | { readonly kind: 'message'; readonly value: T }
  /** The stream ended or was reset before the message was complete, or the signal aborted. */
  | { readonly kind: 'ended'; readonly reason: string }

/**
 * Reads one message from the start of a stream and leaves every byte after it in the stream. `parse` bounds what is
 * held: it must not ask for more for ever. Never rejects. The stream keeps its own `error` listener; this one only looks.
 */
export function readMessage<T>(
  stream: Duplex,
  parse: ParseMessage<T>,
  signal: AbortSignal,
): Promise<ReadMessage<T>> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0)
    const finish = (result: ReadMessage<T>): void => {
      stream.off('readable', onReadable)
      stream.off('end', onEnd)
      stream.off('error', onError)
      stream.off('close', onEnd)
      signal.removeEventListener('abort', onAbort)
      resolve(result)
    }
    const onReadable = (): void => {
      for (let chunk: Buffer | null = stream.read(); chunk !== null; chunk = stream.read()) {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        const parsed = parse(held)
        if (parsed === undefined) continue
        if (parsed.end < held.length) stream.unshift(held.subarray(parsed.end))
        finish({ kind: 'message', value: parsed.value })
        return
      }
    }
    const onEnd = (): void => finish({ kind: 'ended', reason: 'it ended before its header was complete' })
    const onError = (error: Error): void => finish({ kind: 'ended', reason: error.message })
    const onAbort = (): void => finish({ kind: 'ended', reason: 'its header did not come in time' })
    stream.on('readable', onReadable)
    stream.on('end', onEnd)
    stream.on('error', onError)
    stream.on('close', onEnd)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else if (stream.destroyed || stream.readableEnded) onEnd()
    else onReadable()
  })
}

export type ReadHeader =
  | Exclude<ParsedFrame, { kind: 'incomplete' }>
  | Extract<ReadMessage<never>, { kind: 'ended' }>

/** Reads the header of a flow, as `readMessage`. */
export async function readHeader(flow: Duplex, signal: AbortSignal): Promise<ReadHeader> {
  const read = await readMessage(flow, parseHeader, signal)
  return read.kind === 'message' ? read.value : read
}

const parseHeader: ParseMessage<Exclude<ParsedFrame, { kind: 'incomplete' }>> = (held) => {
  const value = parseFrame(held)
  if (value.kind === 'incomplete') return undefined
  return { value, end: value.kind === 'frame' ? value.end : held.length }
}
