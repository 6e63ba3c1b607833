import { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'

/** What a socket takes before it asks its writer to wait: one turn of a writer and what goes beside it. */
export const SOCKET_BUFFER_BYTES = 192 * 1024

type RawConnection = Pick<
  MessageStream,
  'send' | 'status' | 'writableNeedsDrain' | 'writeBufferLength' | 'readBufferLength'
>

/** A connection over something else than a socket that has a short way of its own. */
export abstract class ShortcutConnection extends AbstractMultiaddrConnection {
  /** Hands over what is read from now on, while nothing waits before it. */
  abstract shortcut(receive: (chunk: Uint8Array) => void): void
}

/**
 * A short way between a socket and the stream that is secured over it, to the same effect as that through
 * @libp2p/tcp 11, which writes the parts of a message one by one, each with a system call and, without Nagle, a packet,
 * and dispatches an event for each read. Here the parts of one `send` are written at once, and what is read goes to
 * `receive`.
 */
export function shortenSocket(raw: RawConnection, receive: (chunk: Uint8Array) => void): void {
  if (raw instanceof ShortcutConnection) {
    raw.shortcut(receive)
    return
  }
  const socket: unknown = Reflect.get(raw, 'socket')
  if (!(socket instanceof Socket)) return
  const send = raw.send.bind(raw)
  raw.send = (data) => {
    socket.cork()
    try {
      const isClear = raw.status === 'open' && !raw.writableNeedsDrain && raw.writeBufferLength === 0
      if (!isClear) return send(data)
      let canSendMore = true
      for (const part of data instanceof Uint8ArrayList ? data : [data]) canSendMore = socket.write(part)
      if (!canSendMore) raw.writableNeedsDrain = true
      return canSendMore
    } finally {
      socket.uncork()
    }
  }
  // What waits there has to come first.
  if (raw.readBufferLength > 0) return
  socket.removeAllListeners('data')
  socket.on('data', receive)
}
