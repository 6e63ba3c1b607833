import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import type { Clock } from '../../platform/clock.ts'
import { createGapMeter } from './gap-meter.ts'
import { seededBytes, TRANSFER_REQUEST_BYTES } from './targets.ts'
import { createViolations, type Violation } from './violation.ts'

export interface TransferOptions {
  /** On 127.0.0.1: of a forward that leads to a transfer target. */
  readonly port: number
  readonly sizeBytes: number
  /** Of the bytes, 32 bits. */
  readonly seed: number
  readonly signal: AbortSignal
  /** Bytes so far: the moment to break something. */
  readonly onProgress?: (receivedBytes: number) => void
  /** Longer than this without a byte is a violation. Default: no limit. */
  readonly maxGapMs?: number
}

export interface TransferReport {
  readonly receivedBytes: number
  /** Of what arrived, hex. */
  readonly sha256: string
  readonly durationMs: number
  /** Longest time without a byte. */
  readonly longestGapMs: number
  readonly violations: readonly Violation[]
}

/** Fetches a stream whose every byte is known in advance, and compares them as they come. Resolves however it ends. */
export function checkTransfer(
  { clock }: { readonly clock: Clock },
  { port, sizeBytes, seed, signal, onProgress, maxGapMs }: TransferOptions,
): Promise<TransferReport> {
  const nowMs = (): number => clock.monotonicMs()
  const violations = createViolations(nowMs)
  const hash = createHash('sha256')
  const expected = seededBytes(seed)
  const startedMs = nowMs()
  const gaps = createGapMeter(nowMs)
  let receivedBytes = 0
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const finish = (): void => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      const longestGapMs = gaps.longestMs()
      if (maxGapMs !== undefined && longestGapMs > maxGapMs) {
        violations.add('too-slow', `no byte for ${Math.round(longestGapMs)} ms, allowed are ${maxGapMs} ms`)
      }
      resolve({
        ...{ receivedBytes, longestGapMs, sha256: hash.digest('hex'), violations: violations.list },
        durationMs: nowMs() - startedMs,
      })
    }
    const onAbort = (): void => {
      violations.add('unanswered', `given up after ${receivedBytes} of ${sizeBytes} bytes`)
      finish()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connect', () => {
      const request = Buffer.alloc(TRANSFER_REQUEST_BYTES)
      request.writeUInt32BE(seed, 0)
      request.writeBigUInt64BE(BigInt(sizeBytes), 4)
      socket.write(request)
    })
    socket.on('data', (chunk: Buffer) => {
      gaps.mark()
      hash.update(chunk)
      const wanted = expected(chunk.length)
      if (receivedBytes + chunk.length > sizeBytes || !chunk.equals(wanted)) {
        const at = receivedBytes + chunk.findIndex((byte, index) => byte !== wanted[index])
        violations.add('corrupt', `byte ${at} is not what was sent`)
        finish()
        return
      }
      receivedBytes += chunk.length
      onProgress?.(receivedBytes)
    })
    socket.on('end', () => {
      gaps.mark()
      if (receivedBytes < sizeBytes) {
        violations.add('lost', `it ended like a whole one after ${receivedBytes} of ${sizeBytes} bytes`)
      }
      finish()
    })
    socket.on('error', (error) => {
      violations.add('connection-lost', `${error.message} after ${receivedBytes} of ${sizeBytes} bytes`)
      finish()
    })
  })
}
