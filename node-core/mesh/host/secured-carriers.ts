import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'

/** Finds the decrypted stream under a libp2p connection, which libp2p keeps to itself. */
export interface SecuredCarriers {
  /** The same encrypter, whose results can be found again. */
  track(encrypter: ConnectionEncrypter): ConnectionEncrypter
  /** The decrypted stream of the connection with this `timeline` object, which a connection shares with its socket. */
  find(timeline: object): MessageStream | undefined
}

export function createSecuredCarriers(): SecuredCarriers {
  const carriers = new WeakMap<object, MessageStream>()
  const remember = (raw: MessageStream, secured: SecuredConnection): SecuredConnection => {
    carriers.set(raw.timeline, secured.connection)
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
