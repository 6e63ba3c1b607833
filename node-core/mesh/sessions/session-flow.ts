import { Duplex } from 'node:stream'
import { createInbox } from './inbox.ts'

/** What the application's side of a session asks of the session. */
export interface FlowOwner {
  /** Takes bytes without a copy. `done` is called once more may be written. */
  write(bytes: Uint8Array, done: (error?: Error | null) => void): void
  /** `done` is called once the other end has all that was written. */
  end(done: (error?: Error | null) => void): void
  /** So many bytes went to the application. */
  consumed(sizeBytes: number): void
  /** The application has given up, or both directions have ended. */
  destroyed(error: Error | null): void
}

export interface SessionFlow {
  readonly duplex: Duplex
  deliver(piece: Uint8Array): void
  /** No more will be delivered. */
  ended(): void
  fail(error: Error): void
}

/** A socket hands over 64 KiB at a time: one of them must not fill it up. */
const WRITE_HIGH_WATER_BYTES = 64 * 1024 + 1
/**
 * The Duplex itself holds one piece that the application has not taken; all others wait in the inbox, where a piece
 * costs its bytes and not an object.
 */
const READ_HIGH_WATER_BYTES = 1

/** The application's side of a session: a Duplex with half-close, where `destroy()` resets both directions. */
export function createSessionFlow(owner: FlowOwner): SessionFlow {
  const inbox = createInbox()
  let isComplete = false
  let isClosed = false

  const push = (piece: Uint8Array): void => {
    duplex.push(piece)
    owner.consumed(piece.length)
  }
  const next = (): void => {
    const piece = inbox.take()
    if (piece !== undefined) push(piece)
    else if (isComplete) duplex.push(null)
  }
  const duplex = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: READ_HIGH_WATER_BYTES,
    writableHighWaterMark: WRITE_HIGH_WATER_BYTES,
    read: next,
    write: (chunk: Uint8Array, _encoding, done) => owner.write(chunk, done),
    final: (done) => owner.end(done),
    destroy(error, done) {
      isClosed = true
      inbox.clear()
      owner.destroyed(error)
      done(error)
    },
  })
  return {
    duplex,
    deliver(piece) {
      if (isClosed) return
      if (inbox.sizeBytes === 0 && duplex.readableLength === 0) push(piece)
      else inbox.add(piece)
    },
    ended() {
      if (isClosed || isComplete) return
      isComplete = true
      if (inbox.sizeBytes === 0) duplex.push(null)
    },
    fail: (error) => void duplex.destroy(error),
  }
}
