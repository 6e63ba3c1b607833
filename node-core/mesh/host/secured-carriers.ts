import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { SecuredStream } from '../../noise-hfs/secured-stream.ts'
import { shortenSocket } from './socket-shortcut.ts'

/** What carries a libp2p connection, and what libp2p keeps to itself. */
export interface Carrier {
  /** The decrypted stream under the muxer. */
  readonly secured: SecuredStream
  /** The socket under that. */
  readonly raw: MessageStream
}

/** Finds the carrier of a connection. */
export interface SecuredCarriers {
  /** The same encrypter, whose results can be found again. */
  track(encrypter: ConnectionEncrypter): ConnectionEncrypter
  /** Of the connection with this `timeline` object, which a connection shares with its socket. */
  find(timeline: object): Carrier | undefined
}

export function createSecuredCarriers(): SecuredCarriers {
  const carriers = new WeakMap<object, Carrier>()
  const remember = (raw: MessageStream, secured: SecuredConnection): SecuredConnection => {
    const { connection } = secured
    if (!(connection instanceof SecuredStream)) throw new TypeError('not a connection of our own handshake')
    carriers.set(raw.timeline, { secured: connection, raw })
    shortenSocket(raw, (chunk) => connection.receive(chunk))
    return secured
  }
  return {
    track: (encrypter) => ({
      protocol: encrypter.protocol,
      secureOutbound: async (raw, options) => remember(raw, await encrypter.secureOutbound(raw, options)),
      secureInbound: async (raw, options) => remember(raw, await encrypter.secureInbound(raw, options)),
    }),
    find: (timeline) => carriers.get(timeline),
  }
}
