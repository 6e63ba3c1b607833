import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { hostFault } from '../host/host-fault.ts'
import type { SendLine } from '../host/send-line.ts'
import { createReadValve } from '../host/stream-control.ts'
import { receiveFrom } from '../mux/mux-stream.ts'

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
 */
export function createFlow(stream: Stream, line: SendLine): Duplex {
  const writer = createWriter(stream, line)
  const valve = createReadValve(stream)
  const flow = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: FLOW_HIGH_WATER_MARK_BYTES,
    writableHighWaterMark: FLOW_HIGH_WATER_MARK_BYTES,
    read: () => valve.resume(),
    writev: (chunks, done) => writer.write(chunks, done),
    final(done) {
      stream.close().then(() => done(), done)
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
  receiveFrom(stream, (bytes) => {
    // What was received, or a view of it: nothing is copied.
    if (!flow.push(bytes)) pause()
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

type WriteDone = (error?: Error | null) => void

/** Sends what the Duplex hands over in turns, and reports back once the stream itself holds none of it. */
function createWriter(stream: Stream, line: SendLine) {
  const pending = new Uint8ArrayList()
  let finishWrite: WriteDone | undefined
  let waitsForWindow = false

  const settle = (error?: Error): void => {
    const done = finishWrite
    finishWrite = undefined
    done?.(error)
  }
  const takeTurn = (): void => {
    const size = Math.min(pending.byteLength, line.turnBytes)
    const part = pending.sublist(0, size)
    pending.consume(size)
    line.noteSent(size)
    try {
      stream.send(part)
    } catch (error) {
      settle(hostFault({ code: 'STREAM_CLOSED' }, 'the flow was reset', error))
      return
    }
    waitsForWindow = stream.writeBufferLength > 0
    if (!waitsForWindow) proceed()
  }
  const proceed = (): void => {
    if (finishWrite === undefined) return
    if (pending.byteLength === 0) settle()
    else line.request(takeTurn)
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
      for (const { chunk } of chunks) pending.append(chunk)
      proceed()
    },
    stop(): void {
      line.withdraw(takeTurn)
      finishWrite = undefined
      pending.consume(pending.byteLength)
    },
  }
}
