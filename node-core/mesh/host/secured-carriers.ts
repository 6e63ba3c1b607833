import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import { gatherWrites } from './gathered-writes.ts'

/** What carries a libp2p connection, and what libp2p keeps to itself. */
export interface Carrier {
  /** The decrypted stream under the muxer. */
  readonly secured: MessageStream
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
    carriers.set(raw.timeline, { secured: secured.connection, raw })
    gatherWrites(raw)
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
