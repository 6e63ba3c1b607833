import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { hostFault } from '../host/host-fault.ts'
import type { SendLine } from '../host/send-line.ts'
import { createReadValve } from '../host/stream-control.ts'
import { MuxStream, receiveFrom } from '../mux/mux-stream.ts'
import { isMarkedSealed, markSealed } from './sealed-bytes.ts'

/**
 * Bytes that a flow holds on each side before it asks its writer to wait. With the muxer's window of 2 MiB and one
 * turn in the muxer's stream this bounds a flow whose reader has stopped to well under 16 MiB in either process.
 */
const FLOW_HIGH_WATER_MARK_BYTES = 256 * 1024

/**
 * A byte flow over a libp2p stream as a Node Duplex: `end()` closes this end's writing, `destroy()` resets both ways,
 * and both are seen as such at the other end. It fails with STREAM_CLOSED when the other end resets it or the
 * connection goes away, and never ends normally unless the other end said that it was done.
 *
 * @param line the turns of the connection that carries the stream
 * @param mayGoBare asked for each turn of bytes that are marked as sealed by two other ends: whether the link need not
 * encrypt them once more. Without it, everything is encrypted.
 */
export function createFlow(stream: Stream, line: SendLine, mayGoBare?: () => boolean): Duplex {
  const writer = createWriter(stream, line, mayGoBare)
  const valve = createReadValve(stream)
  const flow = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: FLOW_HIGH_WATER_MARK_BYTES,
    writableHighWaterMark: FLOW_HIGH_WATER_MARK_BYTES,
    read: () => valve.resume(),
    writev: (chunks, done) => writer.write(chunks, done),
    final(done) {
      writer.finish((error) => {
        if (error instanceof Error) done(error)
        else stream.close().then(() => done(), done)
      })
    },
    destroy(error, done) {
      writer.stop()
      // Does nothing when both ends have finished.
      stream.abort(error ?? new Error('the flow was destroyed'))
      done(error)
    },
  })
  followReading(flow, stream, () => valve.pause())
  return flow
}

function followReading(flow: Duplex, stream: Stream, pause: () => void): void {
  // The other end may have sent all it had and closed before anybody listened.
  let finished = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
  // What the negotiation of the protocol read too far is put back, if need be behind the `end`, which then comes no more.
  const endedBefore = finished && stream.readableEnded
  const endAfterLeftover = (): void => {
    if (endedBefore && stream.readBufferLength === 0) flow.push(null)
  }
  receiveFrom(stream, (bytes, isBare) => {
    // What was received, or a view of it: nothing is copied.
    if (!flow.push(isBare ? markSealed(bytes) : bytes)) pause()
    endAfterLeftover()
  })
  stream.addEventListener('remoteCloseWrite', () => {
    finished = true
  })
  // `end` comes after the last buffered byte was handed out, `remoteCloseWrite` before.
  stream.addEventListener('end', () => {
    if (finished) flow.push(null)
  })
  const fail = (cause?: Error): void => {
    flow.destroy(hostFault({ code: 'STREAM_CLOSED' }, 'the flow was reset', cause))
  }
  stream.addEventListener('close', ({ error }) => {
    // Without an error and after the other end's close, what is buffered is still to be read.
    if (error !== undefined || !finished) fail(error)
  })
  if (endedBefore) endAfterLeftover()
  else if (stream.status !== 'open') fail()
}

interface Run {
  readonly isSealed: boolean
  readonly bytes: Uint8ArrayList
}

type WriteDone = (error?: Error | null) => void

/**
 * Sends what the Duplex hands over in turns of whole frames, and reports back once the stream itself holds none of it.
 * What is left behind whole frames waits until the end of this turn of the event loop for more to fill a frame with:
 * whoever writes 64 KiB at a time would otherwise make every second frame a tiny one, at every hop.
 */
function createWriter(stream: Stream, line: SendLine, mayGoBare: () => boolean = () => false) {
  const pending = createRuns()
  let finishWrite: WriteDone | undefined
  let waitsForWindow = false
  let rest: NodeJS.Immediate | undefined

  const settle = (error?: Error): void => {
    const done = finishWrite
    finishWrite = undefined
    done?.(error)
  }
  const takeTurn = (): void => {
    const run = pending.take(line.turnBytes, line.frameBytes)
    if (run === undefined) return
    line.noteSent(run.bytes.byteLength)
    try {
      if (run.isSealed && stream instanceof MuxStream && mayGoBare()) stream.sendBare(run.bytes)
      else stream.send(run.bytes)
    } catch (error) {
      settle(hostFault({ code: 'STREAM_CLOSED' }, 'the flow was reset', error))
      return
    }
    if (isRest()) rest ??= setImmediate(flush)
    waitsForWindow = stream.writeBufferLength > 0
    proceed()
  }
  const isRest = (): boolean => pending.sizeBytes > 0 && pending.sizeBytes < line.frameBytes
  const proceed = (): void => {
    if (waitsForWindow) return
    if (pending.sizeBytes === 0 || (rest !== undefined && isRest())) settle()
    else line.request(takeTurn)
  }
  const flush = (): void => {
    clearImmediate(rest)
    rest = undefined
    proceed()
  }
  stream.addEventListener('idle', () => {
    if (!waitsForWindow) return
    waitsForWindow = false
    // The last bytes that had no window are out. In a microtask, because bytes sent from within this event stay behind.
    queueMicrotask(proceed)
  })

  return {
    write(chunks: readonly { chunk: Uint8Array }[], done: WriteDone): void {
      finishWrite = done
      for (const { chunk } of chunks) pending.add(chunk)
      proceed()
    },
    /** Calls back when the stream has everything. */
    finish(done: WriteDone): void {
      finishWrite = done
      flush()
    },
    stop(): void {
      line.withdraw(takeTurn)
      clearImmediate(rest)
      finishWrite = undefined
      pending.clear()
    },
  }
}

/** Bytes that wait to be sent, neighbours together of which all are marked as sealed by two other ends, or none is. */
function createRuns() {
  let runs: Run[] = []
  let sizeBytes = 0
  return {
    get sizeBytes() {
      return sizeBytes
    },
    add(chunk: Uint8Array): void {
      if (chunk.length === 0) return
      sizeBytes += chunk.length
      const isSealed = isMarkedSealed(chunk)
      const last = runs.at(-1)
      if (last?.isSealed === isSealed) last.bytes.append(chunk)
      else runs.push({ isSealed, bytes: new Uint8ArrayList(chunk) })
    },
    /** Bytes of one kind: as many whole frames as fit into the limit, or what is less than one. */
    take(limitBytes: number, frameBytes: number): Run | undefined {
      const [run] = runs
      if (run === undefined) return undefined
      const most = Math.min(run.bytes.byteLength, limitBytes)
      const size = most < frameBytes ? most : most - (most % frameBytes)
      const bytes = run.bytes.sublist(0, size)
      run.bytes.consume(size)
      if (run.bytes.byteLength === 0) runs.shift()
      sizeBytes -= size
      return { isSealed: run.isSealed, bytes }
    },
    clear(): void {
      runs = []
      sizeBytes = 0
    },
  }
}
