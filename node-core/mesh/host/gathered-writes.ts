import { Socket } from 'node:net'
import type { MessageStream } from '@libp2p/interface'

/** What a socket takes before it asks its writer to wait: one turn of a writer and what goes beside it. */
export const SOCKET_BUFFER_BYTES = 192 * 1024

/**
 * @libp2p/tcp 11 writes the parts of a message one by one, each with a system call and, without Nagle, a packet: for a
 * sealed frame that is its length, its text and its tag. Here the parts of one `send` are written at once.
 */
export function gatherWrites(raw: Pick<MessageStream, 'send'>): void {
  const socket: unknown = Reflect.get(raw, 'socket')
  if (!(socket instanceof Socket)) return
  const send = raw.send.bind(raw)
  raw.send = (data) => {
    socket.cork()
    try {
      return send(data)
    } finally {
      socket.uncork()
    }
  }
}
