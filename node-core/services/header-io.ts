import type { Duplex } from 'node:stream'
import type { ParsedFrame } from './flow-header.ts'
import { parseFrame } from './flow-header.ts'

export type ReadHeader =
  | Exclude<ParsedFrame, { kind: 'incomplete' }>
  /** The flow ended or was reset before the message was complete, or the signal aborted. */
  | { readonly kind: 'ended'; readonly reason: string }

/**
 * Reads one message from the start of a flow and leaves every byte after it in the flow. Never rejects. The flow keeps
 * its own `error` listener; this one only looks.
 */
export function readHeader(flow: Duplex, signal: AbortSignal): Promise<ReadHeader> {
  return new Promise((resolve) => {
    let held: Buffer = Buffer.alloc(0)
    const finish = (result: ReadHeader): void => {
      flow.off('readable', onReadable)
      flow.off('end', onEnd)
      flow.off('error', onError)
      flow.off('close', onEnd)
      signal.removeEventListener('abort', onAbort)
      resolve(result)
    }
    const onReadable = (): void => {
      for (let chunk: Buffer | null = flow.read(); chunk !== null; chunk = flow.read()) {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        const parsed = parseFrame(held)
        if (parsed.kind === 'incomplete') continue
        if (parsed.kind === 'frame' && parsed.end < held.length) flow.unshift(held.subarray(parsed.end))
        finish(parsed)
        return
      }
    }
    const onEnd = (): void => finish({ kind: 'ended', reason: 'it ended before its header was complete' })
    const onError = (error: Error): void => finish({ kind: 'ended', reason: error.message })
    const onAbort = (): void => finish({ kind: 'ended', reason: 'its header did not come in time' })
    flow.on('readable', onReadable)
    flow.on('end', onEnd)
    flow.on('error', onError)
    flow.on('close', onEnd)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else if (flow.destroyed || flow.readableEnded) onEnd()
    else onReadable()
  })
}
