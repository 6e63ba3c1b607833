import type { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'

/** What moved between a socket and a flow, in bytes. Read while they move. */
export interface SpliceBytes {
  toFlow(bytes: number): void
  toSocket(bytes: number): void
}

export type SpliceEnd =
  /** Both directions ended in good order and every byte was handed over. */
  | { readonly kind: 'ended' }
  /** One side broke off, so the other was reset. `reason` is for a log. */
  | { readonly kind: 'reset'; readonly by: 'socket' | 'flow'; readonly reason: string }

/**
 * Joins a TCP socket and a flow until both are closed: bytes in order and without a change, the end of one direction
 * passed on alone, a reset passed on as a reset and never as an end, and reading only as fast as the other side takes
 * it. Both must keep half-open (`allowHalfOpen`), and nobody else may read, write or end them from now on. Never rejects.
 */
export function splice(socket: Socket, flow: Duplex, bytes: SpliceBytes): Promise<SpliceEnd> {
  return new Promise((resolve) => {
    let fault: SpliceEnd | undefined
    let open = 2
    const closed = (clean: boolean, by: 'socket' | 'flow', reason: string, resetOther: () => void): void => {
      if (!clean) {
        fault ??= { kind: 'reset', by, reason }
        resetOther()
      }
      open -= 1
      if (open === 0) resolve(fault ?? { kind: 'ended' })
    }
    watch(socket, (clean, reason) =>
      closed(clean, 'socket', reason, () => {
        if (!flow.destroyed) flow.destroy(new Error(`the socket at the other end broke off: ${reason}`))
      }),
    )
    watch(flow, (clean, reason) => closed(clean, 'flow', reason, () => resetSocket(socket)))
    pump(socket, flow, bytes.toFlow)
    pump(flow, socket, bytes.toSocket)
  })
}

/** Tells once how a stream closed: clean means that it read the other end's end and finished its own writing. */
function watch(stream: Duplex, onClose: (clean: boolean, reason: string) => void): void {
  let reason = stream.errored?.message
  const judge = (): void => {
    const clean = reason === undefined && stream.readableEnded && stream.writableFinished
    onClose(clean, reason ?? 'it was closed before both directions had ended')
  }
  stream.on('error', (error) => {
    reason ??= error.message
  })
  if (stream.closed) process.nextTick(judge)
  else stream.once('close', judge)
}

function pump(from: Readable, to: Writable, count: (bytes: number) => void): void {
  from.on('data', (chunk: Buffer) => {
    count(chunk.length)
    if (!to.write(chunk)) from.pause()
  })
  to.on('drain', () => from.resume())
  // A side that had nothing to say may have ended while the other was still being connected.
  if (from.readableEnded) to.end()
  else from.once('end', () => to.end())
  // Whoever read the header left the stream paused.
  from.resume()
}

/** Closes a socket with RST, whatever state it is in, so that the other end never takes it for a normal end. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  // libuv refuses to reset a socket while its shutdown is on the way (uv_tcp_close_reset gives EINVAL).
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) {
    socket.once('finish', () => socket.resetAndDestroy())
    return
  }
  socket.resetAndDestroy()
}
